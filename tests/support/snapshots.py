"""Compile a few indicators into a snapshot for a test, as the compile process does with millions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from indicators.addresses import parse_network
from indicators.hosts import reverse_key
from indicators.indicator import Indicator
from indicators.snapshot.profiles import FeedNote, Profile
from indicators.snapshot.tables import Row, Table
from indicators.snapshot.writer import Built, build
from indicators.words import IndicatorType

BUILT = datetime(2026, 11, 23, 12, tzinfo=UTC)
_DIGESTS = {
    IndicatorType.MD5: Table.MD5,
    IndicatorType.SHA1: Table.SHA1,
    IndicatorType.SHA256: Table.SHA256,
    IndicatorType.CERTIFICATE: Table.CERTIFICATE,
}


def compile_indicators(indicators: Iterable[Indicator]) -> Built:
    """Build a snapshot of feed indicators; each line is the indicator's own."""
    profiles: dict[Profile, int] = {}
    feeds: dict[str, int] = {}
    rows = [_row(one, profiles, feeds) for one in indicators]
    return build(lambda: rows, [FeedNote(name) for name in feeds], list(profiles), BUILT, "test")


def _row(one: Indicator, profiles: dict[Profile, int], feeds: dict[str, int]) -> Row:
    feed = feeds.setdefault(one.origin.source, len(feeds))
    table, key, bits = _key(one)
    profile = Profile(feed, one.type.value, one.action, one.action, one.category, one.exact, one.confidence, bits=bits)
    expires = int(one.expiration.timestamp()) if one.expiration else 0
    return Row(table.value, key, profiles.setdefault(profile, len(profiles)), one.origin.line, expires)


def _key(one: Indicator) -> tuple[Table, str, int]:
    if one.type in _DIGESTS:
        return _DIGESTS[one.type], one.value, 0
    if one.type is IndicatorType.IP:
        network = parse_network(one.value)
        table = Table.V4 if network.version == 4 else Table.V6
        return table, str(int(network.network_address)), network.prefixlen
    path = "" if one.is_host_only else one.value[len(one.host) :]
    return Table.NAME, reverse_key(one.host) + path, 0
