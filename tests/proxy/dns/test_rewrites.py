"""What a feed that may rewrite gives in the place of a block: its addresses, and an error that says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from indicators.observation import Device, Observation
from indicators.verdict import Verdict
from indicators.words import Stage
from proxy.dns.lookup import LookupClient
from proxy.state import StateDir
from tests.support.feeds import Bench
from tests.support.resolver import BLOCK_EVIL, TestPolicy, addresses, extended_errors, running
from tests.support.upstream import FakeUpstream


class Rewriting(TestPolicy):
    """Send `evil.example` elsewhere, as the classifier does at stage DNS."""

    def judge(self, seen: Observation) -> Verdict:
        verdict = super().judge(seen)
        elsewhere = ("203.0.113.9", "203.0.113.10", "2001:db8::9")
        return replace(verdict, rewrite=elsewhere) if verdict.stops and seen.stage is Stage.DNS else verdict


@pytest.mark.parametrize(
    ("qtype", "expected"),
    [("A", ["203.0.113.9", "203.0.113.10"]), ("AAAA", ["2001:db8::9"]), ("HTTPS", []), ("TXT", [])],
)
async def test_a_rewritten_name_has_the_addresses_of_its_feed(
    tmp_path: Path, upstream: FakeUpstream, qtype: str, expected: list[str]
) -> None:
    policy = Rewriting(feed=[BLOCK_EVIL, {"block": "plain.example"}])
    async with running(tmp_path, {"upstreams": [upstream.address]}, policy) as resolver:
        for _ in range(3):
            found = await resolver.ask("evil.example", qtype, edns=1232)
            assert addresses(found) == expected
            assert extended_errors(found)[0] == (4, "Phishing; incident inc-1")
            assert {rr.ttl for rr in found.rr} <= {10}
            assert addresses(await resolver.ask("evil.example", qtype)) == expected
    assert not upstream.asked
    assert resolver.reporter.hosts == ["evil.example"]


async def test_an_inspector_goes_where_clients_are_sent(tmp_path: Path, upstream: FakeUpstream) -> None:
    async with running(tmp_path, {"upstreams": [upstream.address]}, Rewriting(BLOCK_EVIL)) as resolver:
        client = LookupClient(resolver.socket_path)
        found = await client.lookup("evil.example", Device("one", "one"))
        await client.close()
    assert [str(address) for address in found.addresses] == ["203.0.113.9", "203.0.113.10", "2001:db8::9"]
    assert (found.blocked, found.error) == (False, "")


@pytest.mark.parametrize(
    ("allowed", "name", "expected"),
    [
        (True, "bank.example", ["8.8.1.1"]),
        (False, "bank.example", ["0.0.0.0"]),
        (True, "evil.example", ["0.0.0.0"]),
        (False, "evil.example", ["0.0.0.0"]),
    ],
)
@pytest.mark.parametrize(
    ("format_", "lines"),
    [
        ("hosts", ("8.8.1.1 bank.example", "0.0.0.0 evil.example")),
        ("adguard", ("||bank.example^$dnsrewrite=8.8.1.1", "||evil.example^")),
        ("rpz", ("bank.example A 8.8.1.1", "evil.example CNAME .")),
    ],
)
async def test_a_line_of_a_feed_becomes_an_address_only_where_it_may(
    tmp_path: Path, upstream: FakeUpstream, format_: str, lines: tuple[str, ...], allowed: bool, name: str,
    expected: list[str],
) -> None:  # fmt: skip
    """In one piece: a feed's file, compiled and published, mapped, judged, and asked for by DNS."""
    state = StateDir(tmp_path / "feeds")
    state.prepare()
    bench = Bench(state, tmp_path)
    bench.put("list", *lines, format=format_, allow_rewrite=allowed)
    await bench.run_aside()
    policy = TestPolicy()
    policy.snapshot = bench.snapshot
    policy.set()
    async with running(tmp_path, {"upstreams": [upstream.address]}, policy) as resolver:
        assert addresses(await resolver.ask(name)) == expected
    assert not upstream.asked
