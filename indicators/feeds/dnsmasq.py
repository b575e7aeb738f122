"""dnsmasq lists: `address=/name/0.0.0.0`, `server=/name/`, `local=/name/` (dnsmasq(8)). A name covers its subdomains.

An answer with a real address is a rewrite. `server=/name/#` gives a name back to the usual servers: an exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indicators.addresses import parse_address
from indicators.feeds.entry import Entry, Outcome, Why, skip
from indicators.feeds.lines import content, without_comment
from indicators.feeds.values import read_host
from indicators.words import Action

_LINE = re.compile(r"(?:--)?(address|server|local)\s*=\s*/(.*)/([^/]*)").fullmatch
_SETTING = re.compile(r"(?:--)?[a-z0-9-]+(?:\s*=.*)?").fullmatch


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each name of each line gives."""
    for line, text, skipped in content(lines):
        if skipped:
            yield skipped
        else:
            yield from _names(line, without_comment(text))


def _names(line: int, text: str) -> Iterator[Outcome]:
    found = _LINE(text)
    if not found:
        yield skip(line, text, Why.SETTING if _SETTING(text) else Why.MALFORMED)
        return
    option, names, value = found.groups()
    for name in names.split("/"):
        yield _name(line, name, option, value.strip())


def _name(line: int, name: str, option: str, value: str) -> Outcome:
    if "*" in name.removeprefix("*.") or name in ("", "#"):
        return skip(line, name, Why.PATTERN)
    if option == "address":
        return read_host(line, name, rewrite=not is_sink(value), answer=value)
    if value not in ("", "#"):
        return skip(line, f"{name} {value}", Why.SETTING)  # forwarding, not blocking
    outcome = read_host(line, name)
    return outcome._replace(action=Action.ALLOW) if value and isinstance(outcome, Entry) else outcome


def is_sink(value: str) -> bool:
    """Say whether an answer leads nowhere: no address, `#`, the unspecified address or the machine itself."""
    try:
        address = parse_address(value)
    except ValueError:
        return value in ("", "#")
    return address.is_unspecified or address.is_loopback
