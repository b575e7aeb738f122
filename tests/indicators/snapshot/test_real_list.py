"""One real feed, whole: each surviving entry is found, and nothing else, exactly as plain lines find it."""

from __future__ import annotations

import random
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

from indicators.expressions import host_suffixes
from indicators.feeds.entry import Entry
from indicators.feeds.formats import FORMATS
from indicators.hosts import parents
from indicators.indicator import Indicator, Origin
from indicators.snapshot.reader import Snapshot
from indicators.urls import canonical
from indicators.words import Action
from tests.support.snapshots import compile_indicators


def test_a_real_list_agrees_with_ten_plain_lines(large_data: Callable[[str], Path]) -> None:
    lines = large_data("data/feeds/tweetfeed_urls.txt").read_text().splitlines()
    entries = [one for one in FORMATS["urls"].parse(lines) if isinstance(one, Entry)]
    known = [Indicator(e.value, e.type, Action.BLOCK, Origin("feed", False, "feed", e.line)) for e in entries]
    snapshot = Snapshot(compile_indicators(known).content)
    values = {(one.type, one.value) for one in known}
    paths = {one.value for one in known if one.type == "url" and not one.is_host_only}
    roots = {one.host for one in known if one.is_host_only}
    nets = [ip_network(one.value) for one in known if one.type == "ip"]

    def plainly(text: str) -> bool:
        url = canonical(text)
        target = url.expression[len(url.host) :]
        cuts = [
            at for at in range(1, len(target) + 1) if at == len(target) or {target[at], target[at - 1]} & set("/?&")
        ]
        return any(host + target[:at] in paths for host in host_suffixes(url.host) for at in cuts)

    asked = sorted(paths) + [value + suffix for value in sorted(paths) for suffix in ("/x", "x", "?a=1", "&b")]
    assert len(values) > 4000
    for text in asked:
        assert bool(snapshot.on_url(canonical(text))) is plainly(text), text
    for host in {canonical(text).host for text in asked} | roots:
        for name in (host, "www." + host, "x" + host):
            assert bool(snapshot.on_host(name)) is any(parent in roots for parent in parents(name)), name
    for number in random.Random(1).sample(range(2**32), 500) + [
        int(net.network_address) + d for net in nets for d in (0, 1)
    ]:
        assert bool(snapshot.on_address(ip_address(number))) is any(ip_address(number) in net for net in nets)
