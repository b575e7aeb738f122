"""The pilot's clients: one behind the proxy, one that asks our DNS, one that reads the collector.

They talk to the running gateway over its real listeners and to nothing else; what an answer means is judged in
`checks.py`. Foreign errors become `PilotError` here.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from dnslib import EDNS0, QTYPE, DNSError, DNSRecord

from proxy.collector_link import trust_of
from proxy.config.sections.collector import CollectorConfig
from proxy.profiles.wireguard import TunnelProfile

_LIMIT = 15.0  # seconds for one request
_MESSAGE = "application/dns-message"
_MAX_BODY = 1 << 20  # bytes


class PilotError(RuntimeError):
    """Say what could not be tried at all, fit for a person."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Hold the addresses that the gateway really bound, from its `endpoints.json`."""

    http_proxy: str
    dns: tuple[str, int]
    collector: str
    ca: Path
    read_token: str
    trust: ssl.SSLContext | None = None
    doh: str = ""

    @classmethod
    def read(cls, path: Path, collector: CollectorConfig | None = None) -> Endpoints:
        """Read the file; the settings say whom to trust at the collector.

        Raises PilotError when no gateway is running, another wrote the file, or a certificate cannot be read.
        """
        try:
            body = json.loads(path.read_text())
            host, _, port = body["dns"].rpartition(":")
            return cls(
                body["http_proxy"],
                (host.strip("[]"), int(port)),
                body["collector"],
                Path(body["ca"]),
                body["read_token"],
                trust_of(collector) if collector else None,
                body.get("dns_https", ""),
            )
        except FileNotFoundError:
            raise PilotError(f"no gateway is running ({path} is missing): start it with `seawall run`") from None
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise PilotError(f"{path}: cannot be used ({error!r}); restart the gateway") from None


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold what a request through the proxy was answered with."""

    status: int
    body: str

    def field(self, name: str) -> str:
        """Return a field of a JSON body as text; empty when there is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return ""
        return str(found.get(name) or "") if isinstance(found, dict) else ""


@dataclass(frozen=True, slots=True)
class AsDevice:
    """Say as which device the pilot runs: who it is, its secrets, and its tunnel where it comes through that."""

    id: str
    name: str
    token: str
    user: str
    password: str
    tunnel: TunnelProfile | None = None


class ProxyClient:
    """Fetch addresses through the proxy, trusting the gateway's CA and no other; as a device where one is given."""

    def __init__(self, endpoints: Endpoints, user_agent: str, device: AsDevice | None = None) -> None:
        self._proxy = f"http://{endpoints.http_proxy}"
        self._login = b64encode(f"{device.user}:{device.password}".encode()).decode() if device else ""
        self._headers = headers_of(user_agent)
        self._tls = trust_in(endpoints.ca)

    async def get(self, url: str) -> Reply:
        """Fetch one address on a connection of its own. Raises PilotError when no answer comes."""
        with saying(f"{url} through {self._proxy}"):
            async with (
                _session(headers=self._headers) as session,
                session.get(
                    url, proxy=self._proxy, ssl=self._tls, allow_redirects=False, **self._password(url)
                ) as answer,
            ):
                return await _read_reply(answer)

    def _password(self, url: str) -> dict[str, Any]:
        """Return where the password goes: with CONNECT, which the site never sees, or with a plain request itself."""
        where = "proxy_headers" if url.startswith("https:") else "headers"
        return {where: {"Proxy-Authorization": f"Basic {self._login}"}} if self._login else {}


async def fetch_by(connector: aiohttp.BaseConnector, url: str, headers: dict[str, str], tls: ssl.SSLContext) -> Reply:
    """Fetch one address on a connection of its own, without a proxy. Raises PilotError when no answer comes."""
    with saying(url):
        async with (
            _session(headers=headers, connector=connector) as session,
            session.get(url, ssl=tls, allow_redirects=False) as answer,
        ):
            return await _read_reply(answer)


def headers_of(user_agent: str) -> dict[str, str]:
    """Return the headers of a client that wants to read what it is told."""
    return {"User-Agent": user_agent, "Accept": "application/json"}


def trust_in(authority: Path) -> ssl.SSLContext:
    """Trust one authority and no other. Raises PilotError."""
    try:
        return ssl.create_default_context(cafile=str(authority))
    except (OSError, ssl.SSLError) as error:
        raise PilotError(f"{authority}: the CA certificate cannot be read: {error}") from None


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Have errors of the network say what was tried, as PilotError."""
    try:
        yield
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise PilotError(f"{what}: {type(error).__name__}: {error}") from None


def _session(**more: Any) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_LIMIT), trust_env=False, **more)


async def _read_reply(answer: aiohttp.ClientResponse) -> Reply:
    """Read the whole body, however many parts it comes in; a longer one than any of ours is cut off."""
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) >= _MAX_BODY:
            break
    return Reply(answer.status, bytes(body[:_MAX_BODY]).decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what our DNS answered: the response code's number, addresses, and the texts of extended errors."""

    code: int
    addresses: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_refusal(self) -> bool:
        """Say whether the name was withheld: no address at all, or only the unspecified one."""
        return all(address in {"0.0.0.0", "::"} for address in self.addresses)


async def ask_dns(server: tuple[str, int], name: str) -> Answer:
    """Ask for one name's IPv4 address by UDP with EDNS. Raises PilotError when no usable answer comes."""
    query = DNSRecord.question(name, "A")
    query.add_ar(EDNS0(udp_len=1232))
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        try:
            async with asyncio.timeout(_LIMIT):
                await loop.sock_connect(sock, server)
                await loop.sock_sendall(sock, query.pack())
                return _read_answer(await loop.sock_recv(sock, 4096), query.header.id)
        except (OSError, TimeoutError, DNSError) as error:
            raise PilotError(
                f"{name} asked of DNS at {server[0]}:{server[1]}: {type(error).__name__}: {error}"
            ) from None


async def ask_doh(endpoints: Endpoints, device: AsDevice, name: str) -> Answer:
    """Ask for one name's IPv4 address over HTTPS by a device's token. Raises PilotError when no usable answer comes."""
    query = DNSRecord.question(name, "A")
    query.add_ar(EDNS0(udp_len=1232))
    url = f"https://{endpoints.doh}/dns-query/{device.token}"
    try:
        trust = ssl.create_default_context(cafile=str(endpoints.ca))
        async with (
            _session() as session,
            session.post(url, data=query.pack(), headers={"Content-Type": _MESSAGE}, ssl=trust) as answer,
        ):
            if answer.status != 200:
                raise PilotError(f"{name} asked over HTTPS as {device.name}: HTTP {answer.status}")
            return _read_answer(await answer.read(), query.header.id)
    except (aiohttp.ClientError, OSError, TimeoutError, DNSError) as error:
        raise PilotError(f"{name} asked over HTTPS as {device.name}: {type(error).__name__}: {error}") from None


def _read_answer(packet: bytes, number: int) -> Answer:
    record = DNSRecord.parse(packet)
    if record.header.id != number:
        raise DNSError("the answer bears another id")
    addresses = tuple(str(rr.rdata) for rr in record.rr if rr.rtype in (QTYPE.A, QTYPE.AAAA))
    options = [option for rr in record.ar if rr.rtype == QTYPE.OPT for option in rr.rdata]
    notes = tuple(bytes(option.data[2:]).decode(errors="replace") for option in options if option.code == 15)
    return Answer(record.header.rcode, addresses, notes)


class CollectorClient:
    """Read alerts and machines with the read token."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._base = endpoints.collector
        self._trust = endpoints.trust
        self._headers = {"Authorization": f"Bearer {endpoints.read_token}"}

    async def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts, the latest first."""
        return await self._values("/api/alerts")

    async def machines(self) -> list[dict[str, Any]]:
        """Return the devices, the one seen last first."""
        return await self._values("/api/machines")

    async def _values(self, path: str) -> list[dict[str, Any]]:
        values: list[dict[str, Any]] = (await self.body(path))["value"]
        return values

    async def body(self, path: str) -> dict[str, Any]:
        """Return the JSON object at a path. Raises PilotError."""
        try:
            async with (
                _session(headers=self._headers) as session,
                session.get(self._base + path, ssl=self._trust or True) as answer,
            ):
                if answer.status != 200:
                    raise PilotError(f"{self._base}{path} answers {answer.status}")
                found: dict[str, Any] = await answer.json()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise PilotError(f"{self._base}{path}: {type(error).__name__}: {error}") from None
        return found
