"""One value of a feed made canonical: a host, a URL, an address or a network. Every format's parser ends here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from indicators.addresses import Network, is_special, parse_address, parse_network, unmap, without_special
from indicators.feeds.entry import Entry, Outcome, Why, skip
from indicators.feeds.lines import refang
from indicators.hosts import canonical_host, is_address
from indicators.urls import canonical
from indicators.words import IndicatorType

_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*").fullmatch
_WITH_PORT = re.compile(r"([^:]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})").fullmatch
_CUT = re.compile(r"…|\.\.\.$").search
_LOCAL = re.compile(r"(?:.*\.)?(?:localhost|localdomain|local|internal|broadcasthost|home\.arpa)|ip6-[a-z]+").fullmatch
_MIN_PREFIX = {4: 7, 6: 16}  # bits; a wider network is a mistake


def read_host(line: int, text: str, rewrite: bool = False, exact: bool = False, answer: str = "") -> Outcome:
    """Read a domain, or an address where a domain is usual; a port, `*.` before it and defanging are taken off.

    `answer` is what a rewrite answers with; it is kept where it is an address.
    """
    name = refang(text)
    ported = _WITH_PORT(name)
    try:
        host = canonical_host((ported[1] if ported else name).removeprefix("*.").lstrip("."))
    except ValueError:
        return skip(line, text, Why.CUT_SHORT if _CUT(text) else Why.NOT_A_HOST)
    if host[-1].isdigit() and is_address(host):
        return _address(line, text, host)
    why = (_CUT(text) and Why.CUT_SHORT) or _why_not_a_domain(host)
    return (
        skip(line, text, why)
        if why
        else Entry(line, IndicatorType.DOMAIN, host, exact, rewrite, target=_target(answer) if rewrite else "")
    )


def _target(answer: str) -> str:
    try:
        return str(parse_address(answer.strip()))
    except ValueError:
        return ""


def _why_not_a_domain(host: str) -> Why | None:
    if not _NAME(host):
        return Why.NOT_A_HOST
    if _LOCAL(host):
        return Why.LOCAL_NAME
    return None if "." in host else Why.NO_DOT


def read_url(line: int, text: str, exact: bool = False) -> Outcome:
    """Read a URL, scheme or none, defanged or not.

    One that names a whole host is given as `host/`, or as the address where its host is one. User info, port and
    fragment do not count (see `urls.canonical`).
    """
    if _CUT(text):
        return skip(line, text, Why.CUT_SHORT)
    try:
        url = canonical(refang(text))
    except ValueError:
        return skip(line, text, Why.NOT_A_URL)
    if is_address(url.host):
        if url.path == "/" and url.query is None:
            return _address(line, text, url.host)
        why = Why.SPECIAL_ADDRESS if is_special(parse_address(url.host)) else None
    else:
        why = _why_not_a_domain(url.host)
    return skip(line, text, why) if why else Entry(line, IndicatorType.URL, url.expression, exact)


def _address(line: int, text: str, host: str) -> Outcome:
    address = unmap(parse_address(host))
    if is_special(address):
        return skip(line, text, Why.SPECIAL_ADDRESS)
    return Entry(line, IndicatorType.IP, str(address))


def read_network(line: int, text: str) -> Iterator[Outcome]:
    """Read an address or a network, with a port or none; what it holds of special-purpose ranges is taken out."""
    name = refang(text)
    ported = _WITH_PORT(name)
    name = ported[1] if ported else name
    if is_address(name):
        yield _address(line, text, name)
        return
    try:
        network = parse_network(name)
    except ValueError:
        yield skip(line, text, Why.NOT_AN_ADDRESS)
        return
    if network.num_addresses == 1:
        yield _address(line, text, str(network.network_address))
    elif network.prefixlen < _MIN_PREFIX[network.version]:
        yield skip(line, text, Why.TOO_WIDE)
    else:
        yield from _parts(line, text, network)


def _parts(line: int, text: str, network: Network) -> Iterator[Outcome]:
    parts = without_special(network)
    for part in parts:
        yield Entry(line, IndicatorType.IP, _bare(str(part)))
    if not parts:
        yield skip(line, text, Why.SPECIAL_ADDRESS)


def _bare(network: str) -> str:
    return network.removesuffix("/128") if ":" in network else network.removesuffix("/32")
