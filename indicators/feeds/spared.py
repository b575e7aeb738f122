"""Addresses that no feed may block, whatever it says: the gateway's own, and those of the resolvers that it asks.

They are taken out of networks; an address of theirs is skipped with the reason. Which they are is told by the caller.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from indicators.addresses import Network, parse_address, parse_network, unmap
from indicators.feeds.entry import Entry, Outcome, Why, skip
from indicators.words import Action, IndicatorType


def spared(outcomes: Iterable[Outcome], own: Iterable[str]) -> Iterator[Outcome]:
    """Yield the outcomes of a feed, the `own` addresses taken out. Raises ValueError for one that is no address."""
    addresses = {unmap(parse_address(one)) for one in own}
    holes = {version: sorted(int(one) for one in addresses if one.version == version) for version in (4, 6)}
    for one in outcomes:
        if isinstance(one, Entry) and one.type is IndicatorType.IP and one.action is not Action.ALLOW:
            yield from _without(one, holes)
        else:
            yield one


def _without(entry: Entry, holes: dict[int, list[int]]) -> Iterator[Outcome]:
    network = parse_network(entry.value)
    mine = holes[network.version]
    at = bisect_left(mine, int(network.network_address))
    inside = [number for number in mine[at:] if number <= int(network.broadcast_address)]
    if not inside:
        yield entry
        return
    rest = [network]
    for number in inside:
        hole = type(network)((number, network.max_prefixlen))
        rest = [part for whole in rest for part in _exclude(whole, hole)]
    if not rest:
        yield skip(entry.line, entry.value, Why.OWN_ADDRESS)
    for part in sorted(rest, key=lambda one: int(one.network_address)):
        one = part.prefixlen == part.max_prefixlen
        yield entry._replace(value=str(part.network_address if one else part))


def _exclude(whole: Network, hole: Network) -> Iterator[Network]:
    if whole == hole:
        return
    if hole.network_address in whole:
        yield from whole.address_exclude(hole)  # type: ignore[arg-type]
    else:
        yield whole
