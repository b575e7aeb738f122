"""What is wrong with a feed of the configuration beyond its single keys, secrets written in the open above all.

Pure. No finding repeats a secret: it says which parameter holds one, and what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import SplitResult, parse_qsl, urlsplit

from proxy.config.errors import KeyPath
from proxy.config.sections.feeds import FeedConfig, FeedKey

type Finding = tuple[KeyPath, str]

RESERVED_NAMES = frozenset(("custom", "api", "waiver", "pause", "test-feed"))
PLACEHOLDER = "{key}"
_SECRET_PARAMETERS = frozenset(
    ("key", "apikey", "authkey", "token", "accesstoken", "authtoken", "secret", "password", "appkey", "auth")
)


def feed_findings(feeds: Sequence[FeedConfig]) -> Iterator[Finding]:
    """Yield everything that does not fit together in the feeds."""
    seen: dict[str, int] = {}
    for index, feed in enumerate(feeds):
        at: KeyPath = ("feeds", index)
        if feed.name in seen:
            yield (*at, "name"), f"expected another name: feeds[{seen[feed.name]}] is called `{feed.name}` already"
        seen.setdefault(feed.name, index)
        yield from _feed(at, feed)


def _feed(at: KeyPath, feed: FeedConfig) -> Iterator[Finding]:
    if (feed.path is None) == (feed.url is None):
        given = "neither" if feed.path is None else "both"
        yield at, f"expected exactly one of `path` and `url`, got {given}"
    if feed.name in RESERVED_NAMES:
        yield (*at, "name"), f"expected another name: `{feed.name}` is used by Seawall itself"
    if feed.action == "allow":
        yield (*at, "action"), "expected block, warn or audit: a feed cannot allow"
    for key in ("interval", "history"):
        duration = getattr(feed, key)
        if duration is not None and not duration:
            yield (*at, key), "expected more than zero"
    if feed.path and feed.protocol != "download":
        yield (*at, "protocol"), f"expected a `url`: {feed.protocol} is a way to ask a server, not to read a file"
    yield from _secrets(at, feed)


def _secrets(at: KeyPath, feed: FeedConfig) -> Iterator[Finding]:
    parts = _split(feed.url or "")
    if parts.username is not None or parts.password is not None:
        yield (
            (*at, "url"),
            "expected no user name or password in the address, which is shown and logged: keep the password in the "
            "environment or a file and write `key: {env: SOME_NAME, send: basic, user: …}`",
        )
    for name, value in parse_qsl(parts.query):
        if _means_secret(name) and value != PLACEHOLDER:
            yield (
                (*at, "url"),
                f"expected no secret in the address, which is shown and logged: take `{name}=…` out, keep it in the "
                f"environment or a file, and write `key: {{env: SOME_NAME, send: query, name: {name}}}`",
            )
    if feed.key:
        yield from _key((*at, "key"), feed, feed.key)
    elif PLACEHOLDER in (feed.url or ""):
        yield (
            (*at, "url"),
            f"expected a `key` to put in the place of {PLACEHOLDER}, such as `key: {{env: SOME_NAME, send: url}}`",
        )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # a bracket that is not closed; fetching says so
        return urlsplit("")


def _means_secret(parameter: str) -> bool:
    return parameter.lower().replace("-", "").replace("_", "") in _SECRET_PARAMETERS


def _key(at: KeyPath, feed: FeedConfig, key: FeedKey) -> Iterator[Finding]:
    if (key.env is None) == (key.file is None):
        given = "neither" if key.env is None else "both"
        yield at, f"expected exactly one of `env` and `file`, got {given}"
    if key.send in ("header", "query") and not key.name:
        yield (*at, "name"), f"expected the name of the {key.send} that the publisher asks for, such as Auth-Key"
    if (key.send == "url") != (PLACEHOLDER in (feed.url or "")):
        yield (*at, "send"), f"expected `send: url` together with {PLACEHOLDER} in `url`, where the secret belongs"
    if not (feed.url or "").startswith("https:") and not feed.insecure_ok:
        yield (
            at,
            "expected an https address: over plain http anyone on the way reads the secret (`insecure_ok` allows it)",
        )
