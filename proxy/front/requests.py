"""Judge one request in plain HTTP: its URL, its host, and the addresses that would be dialled for it.

The front serves what nothing objects to; all else is the inspector's, which judges again and shows the pages. So this
file answers one question: may this request go to its server by us, and to which addresses? What it doubts, it denies.
"""

from __future__ import annotations

from dataclasses import dataclass

from addons.named_bodies import is_file
from addons.waivers import PATH
from indicators.hosts import canonical_host, is_address
from indicators.observation import Observation
from indicators.words import Stage, Visibility
from proxy.front.crossing import Passage
from proxy.front.doorway import Caller, Doorway
from proxy.front.greetings import Request

_HTTP = 80
_SCHEMES = frozenset(("http", "ws"))  # some clients write a WebSocket's URL as it is
_OURS = PATH.rpartition("/")[0] + "/"  # the gateway's on every host
_REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS"))


@dataclass(frozen=True, slots=True)
class Way:
    """Hold where a request goes: judged addresses, the target in origin form, the value for `Host`.

    `looks` where the response is the inspector's if its body is one that policy names.
    """

    passage: Passage
    said: str
    target: str
    host: str
    looks: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """Hold what a request asks for; `written` is the authority as the client wrote it."""

    host: str
    port: int
    target: str
    written: str


async def way_of(door: Doorway, caller: Caller, request: Request, inside: Passage | None) -> Way | None:
    """Return the way of a request, or nothing where it is for the inspector.

    `inside` is the destination of the tunnel that the request came in; a request to the proxy itself names its own.
    """
    asked = _asked(request, inside)
    if asked is None or not _is_plain(request) or asked.target.startswith(_OURS):
        return None
    try:
        dial, said = canonical_host(asked.host), _host_in(request.headers.get("host", ""))
    except ValueError:
        return None
    passage = await door.crossing.destination(caller.device, dial, asked.port, caller.guarded)
    if not passage.clear:
        return None
    looks = _judge(door, request, passage, said or dial, asked)
    if looks is None or (looks and (request.method not in _REPEATABLE or _has_body(request) or is_file(asked.target))):
        return None
    return Way(passage, said, asked.target, asked.written, looks)


def _judge(door: Doorway, request: Request, passage: Passage, said: str, asked: _Asked) -> bool | None:
    """Judge the URL on each name; nothing where something objects, else whether the body is to be looked into."""
    known = tuple(dict.fromkeys((said, passage.host)))
    hosts = tuple(host for host in known if not is_address(host)) or known[:1]
    looks = door.scans
    for host in hosts:
        seen = Observation(
            Stage.HTTP,
            passage.device,
            hosts=(host, *(other for other in hosts if other != host)),
            url=_url(host, asked),
            addresses=passage.addresses,
            port=asked.port,
            user_agent=request.headers.get("user-agent", ""),
        )
        verdict = door.crossing.judge(seen)
        if not verdict.is_plain_allow or not verdict.final:
            return None
        looks = looks or verdict.needs is Visibility.BODY
    return looks


def _is_plain(request: Request) -> bool:
    """Say whether a request is of the kind that the front serves."""
    if request.version != "1.1" or request.method == "CONNECT" or not request.headers.get("host"):
        return False
    return not (request.upgrades and _has_body(request))


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0").strip("0") != ""


def _asked(request: Request, inside: Passage | None) -> _Asked | None:
    """Read the target (RFC 9112, section 3.2); nothing for a form that is not served here."""
    target = request.target
    if "#" in target or not target.isascii() or not target.isprintable() or " " in target:
        return None
    if inside is not None:
        if not target.startswith("/"):
            return None
        return _Asked(inside.host, inside.port, target, request.headers.get("host", ""))
    scheme, found, rest = target.partition("://")
    if not found or scheme.lower() not in _SCHEMES:
        return None
    end = next((at for at, sign in enumerate(rest) if sign in "/?"), len(rest))
    written, path = rest[:end], rest[end:]
    parted = _parted(written)
    if parted is None:
        return None
    path = path if path.startswith("/") else f"/{path}"
    return _Asked(*parted, "*" if request.method == "OPTIONS" and end == len(rest) else path, written)


def _parted(authority: str) -> tuple[str, int] | None:
    """Return host and port of an authority; nothing for one with a user in it, or that is none."""
    host, colon, port = authority.rpartition(":") if not authority.endswith("]") else (authority, "", "")
    if not colon:
        host, port = authority, str(_HTTP)
    if not host or "@" in authority or "\\" in authority or not port.isdecimal() or not 0 < int(port) < 65536:
        return None
    if host.startswith("[") != (":" in host):
        return None
    return host.removeprefix("[").removesuffix("]"), int(port)


def _host_in(header: str) -> str:
    """Return the canonical host that `Host` names. Raises ValueError when it names none."""
    parted = _parted(header.strip())
    if parted is None:
        raise ValueError("Host names no host")
    return canonical_host(parted[0])


def _url(host: str, asked: _Asked) -> str:
    written = f"[{host}]" if ":" in host else host
    port = "" if asked.port == _HTTP else f":{asked.port}"
    return f"http://{written}{port}{asked.target if asked.target.startswith('/') else '/'}"
