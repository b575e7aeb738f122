"""The resolver as its clients meet it: real sockets, a real classifier, an upstream that records."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
import uvloop
from dnslib import QTYPE, RCODE, DNSRecord

from indicators.words import Enforcement
from proxy.dns.lookup import LookupClient
from proxy.dns.service import bind, spell, upstreams
from tests.support.resolver import (
    BLOCK_EVIL,
    Running,
    TestPolicy,
    addresses,
    extended_errors,
    question,
    running,
    until,
)
from tests.support.upstream import FakeUpstream


async def test_a_benign_name_is_forwarded_once_then_kept(resolver: Running, upstream: FakeUpstream) -> None:
    for _ in range(3):
        assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]
    assert addresses(await resolver.ask("GOOD.example", "AAAA")) == ["2001:db8::10"]
    assert upstream.count("good.example", "A") == 1
    assert not resolver.reporter.reports
    assert [device.address for device in resolver.reporter.devices] == ["127.0.0.1"]


@pytest.mark.parametrize("qtype", ["A", "AAAA", "HTTPS", "TXT", "MX", "NS", "SVCB", "TYPE65280"])
@pytest.mark.parametrize("name", ["evil.example", "WWW.Evil.Example", "a.b.evil.example"])
async def test_a_blocked_name_never_reaches_an_upstream(
    resolver: Running, upstream: FakeUpstream, name: str, qtype: str
) -> None:
    number = int(qtype[4:]) if qtype.startswith("TYPE") else {"SVCB": 64}.get(qtype) or getattr(QTYPE, qtype)
    packet = question(name)[:-4] + number.to_bytes(2) + b"\0\1"
    for sent in (packet, packet):
        reply = await resolver.udp(sent)
        assert reply is not None
        found = DNSRecord.parse(reply)
        assert addresses(found) == {"A": ["0.0.0.0"], "AAAA": ["::"]}.get(qtype, [])
        assert found.header.rcode == RCODE.NOERROR
        assert all(rr.ttl == 10 for rr in (*found.rr, *found.auth))
    (over_tcp,) = await resolver.tcp(packet)
    assert addresses(DNSRecord.parse(over_tcp)) == addresses(found)
    assert not upstream.asked


@pytest.mark.parametrize(
    ("how", "a", "aaaa", "rcode"),
    [
        ("zero", ["0.0.0.0"], ["::"], "NOERROR"),
        ("nxdomain", [], [], "NXDOMAIN"),
        ("refused", [], [], "REFUSED"),
        ("page", ["127.0.0.1"], [], "NOERROR"),
    ],
)
async def test_blocked_answers(tmp_path: Path, how: str, a: list[str], aaaa: list[str], rcode: str) -> None:
    async with running(tmp_path, {"blocked_answer": how}) as resolver:
        for qtype, expected in (("A", a), ("AAAA", aaaa)):
            found = await resolver.ask("evil.example", qtype)
            assert (addresses(found), RCODE[found.header.rcode]) == (expected, rcode)


@pytest.mark.parametrize(
    ("zone", "why"),
    [
        ("cloaked.example 60 CNAME tracker.evil.example", "its CNAME target is listed"),
        ("cloaked.example 60 DNAME 046576696c076578616d706c6500", "its DNAME target is listed"),
        ("cloaked.example 60 A 198.51.100.66", "its address is listed"),
        ("cloaked.example 60 AAAA 2001:db8:bad::1", "its network is listed"),
        ("cloaked.example 60 HTTPS 1 . ipv4hint=198.51.100.66", "its IPv4 hint is listed"),
        ("cloaked.example 60 HTTPS 1 . ipv6hint=2001:db8:bad::1", "its IPv6 hint is listed"),
        ("cloaked.example 60 HTTPS 1 evil.example.", "its service target is listed"),
    ],
)
async def test_what_an_answer_leads_to_is_judged(tmp_path: Path, upstream: FakeUpstream, zone: str, why: str) -> None:
    upstream.add(zone)
    qtype = zone.split()[2]
    qtype = "A" if qtype in ("CNAME", "DNAME") else qtype
    policy = TestPolicy(BLOCK_EVIL, {"block": "198.51.100.66"}, {"block": "2001:db8:bad::/48"})
    async with running(tmp_path, {"upstreams": [upstream.address]}, policy) as resolver:
        for _ in range(3):
            found = await resolver.ask("cloaked.example", qtype, edns=1232)
            assert addresses(found) == {"A": ["0.0.0.0"], "AAAA": ["::"]}.get(qtype, []), why
            assert extended_errors(found)[0][0] == 17
        assert resolver.reporter.hosts == ["cloaked.example"]


@pytest.mark.parametrize(("feed", "code"), [(False, 17), (True, 15)])
async def test_the_incident_that_a_client_reads_is_the_one_reported(tmp_path: Path, feed: bool, code: int) -> None:
    policy = TestPolicy(feed=[BLOCK_EVIL]) if feed else TestPolicy(BLOCK_EVIL)
    async with running(tmp_path, {}, policy) as resolver:
        found = await resolver.ask("evil.example", edns=1232)
        assert extended_errors(found) == [(code, "Phishing; incident inc-1")]
        (seen, verdict, enforcement) = resolver.reporter.reports[0]
        assert (seen.host, verdict.stops, enforcement) == ("evil.example", True, Enforcement.SINKHOLED)
        assert seen.device.address == "127.0.0.1"


async def test_repeats_only_count(resolver: Running) -> None:
    for number in range(5):
        found = await resolver.ask("evil.example", edns=1232, qid=number)
        assert extended_errors(found) == [(17, "Phishing; incident inc-1")]
    await resolver.ask("evil.example")  # without EDNS nobody sees an id; it is the same sighting all the same
    await until(lambda: resolver.reporter.repeats == {"inc-1": 5})
    assert len(resolver.reporter.reports) == 1


@pytest.mark.parametrize(
    ("rule", "judged"), [({"block": "long.example"}, 1), ({"block": "long.example", "expiration": "2100-01-01"}, 2)]
)
async def test_a_block_that_does_not_expire_is_ready_until_the_policy_changes(
    tmp_path: Path, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, rule: dict[str, str], judged: int
) -> None:
    upstream.add("long.example 60 A 192.0.2.77")
    policy = TestPolicy(rule)
    async with running(tmp_path, {"upstreams": [upstream.address]}, policy) as resolver:
        assert addresses(await resolver.ask("long.example")) == ["0.0.0.0"]
        loop = asyncio.get_running_loop()
        later = loop.time() + 11
        monkeypatch.setattr(loop, "time", lambda: later)
        assert addresses(await resolver.ask("long.example")) == ["0.0.0.0"]
        assert len(policy.judged) == judged
        policy.set({"allow": "long.example"})
        assert addresses(await resolver.ask("long.example")) == ["192.0.2.77"]


async def test_a_report_without_edns_follows_soon(resolver: Running) -> None:
    found = await resolver.ask("evil.example")
    assert not found.ar
    await until(lambda: resolver.reporter.hosts == ["evil.example"], 1)


async def test_stopping_tells_what_is_still_to_be_told(tmp_path: Path) -> None:
    async with running(tmp_path, {}) as resolver:
        for _ in range(4):
            await resolver.ask("evil.example")
    assert resolver.reporter.hosts == ["evil.example"]
    assert resolver.reporter.repeats == {"inc-1": 3}


async def test_a_reporter_that_fails_changes_no_answer(resolver: Running) -> None:
    resolver.reporter.fails = True
    found = await resolver.ask("evil.example", edns=1232)
    assert addresses(found) == ["0.0.0.0"]
    assert extended_errors(found) == [(17, "Phishing")]


async def test_a_new_policy_holds_at_once(resolver: Running, upstream: FakeUpstream) -> None:
    for _ in range(2):
        assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]
    resolver.policy.set({"block": "good.example"})
    assert addresses(await resolver.ask("good.example")) == ["0.0.0.0"]
    resolver.policy.set()
    assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]
    assert upstream.count("good.example", "A") == 1


async def test_an_audited_name_passes_and_is_reported(tmp_path: Path, upstream: FakeUpstream) -> None:
    policy = TestPolicy({"audit": "good.example"})
    async with running(tmp_path, {"upstreams": [upstream.address]}, policy) as resolver:
        for _ in range(3):
            assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]
        await until(lambda: sum(resolver.reporter.repeats.values()) == 2)
    assert [enforcement for _, _, enforcement in resolver.reporter.reports] == [Enforcement.PASSED]


async def test_judging_that_breaks_gives_servfail(resolver: Running, upstream: FakeUpstream) -> None:
    resolver.policy.broken = True
    found = await resolver.ask("good.example", edns=1232)
    assert (found.header.rcode, extended_errors(found)) == (RCODE.SERVFAIL, [(0, "")])
    assert not upstream.asked


async def test_fixed_names(resolver: Running, upstream: FakeUpstream) -> None:
    assert addresses(await resolver.ask("fixed.example")) == ["127.0.0.1"]
    assert addresses(await resolver.ask("fixed.example", "AAAA")) == []
    assert addresses(await resolver.ask("1.0.0.127.in-addr.arpa", "PTR")) == ["fixed.example.", "evil.example."]
    assert addresses(await resolver.ask("evil.example")) == ["0.0.0.0"]  # fixed, but blocked
    assert not upstream.asked


@pytest.mark.parametrize(
    ("name", "qtype", "expected", "rcode"),
    [
        ("seawall.internal", "A", ["127.0.0.1"], "NOERROR"),
        ("eicar.seawall.internal", "A", ["127.0.0.1"], "NOERROR"),
        ("EICAR.seawall.INTERNAL", "AAAA", [], "NOERROR"),
        ("other.seawall.internal", "A", [], "NXDOMAIN"),
        ("0f1e.dns.check.seawall.internal", "A", ["127.0.0.1"], "NOERROR"),
        ("check.seawall.internal", "A", [], "NXDOMAIN"),
        ("use-application-dns.net", "A", [], "NXDOMAIN"),
        ("_dns.resolver.arpa", "TXT", [], "NOERROR"),
        ("app.localhost", "A", ["127.0.0.1"], "NOERROR"),
        ("localhost", "AAAA", ["::1"], "NOERROR"),
        ("a.invalid", "A", [], "NXDOMAIN"),
        ("abc.onion", "A", [], "NXDOMAIN"),
    ],
)
async def test_reserved_names_stay_here(
    resolver: Running, upstream: FakeUpstream, name: str, qtype: str, expected: list[str], rcode: str
) -> None:
    found = await resolver.ask(name, qtype)
    assert (addresses(found), RCODE[found.header.rcode]) == (expected, rcode)
    assert not upstream.asked


async def test_strangers_are_refused(tmp_path: Path, upstream: FakeUpstream) -> None:
    settings = {"upstreams": [upstream.address], "allow_clients": ["127.0.0.2/32"]}
    async with running(tmp_path, settings) as resolver:
        found = await resolver.ask("good.example", edns=1232)
        assert (found.header.rcode, extended_errors(found)[0][0]) == (RCODE.REFUSED, 18)
        assert await resolver.udp(b"\0" * 30, 0.2) is None
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await resolver.tcp(question("good.example"))
        assert not upstream.asked
        assert not resolver.reporter.devices
        assert addresses(await resolver.ask("good.example", source="127.0.0.2")) == ["192.0.2.10"]


async def test_two_devices_have_each_their_own_sighting(tmp_path: Path) -> None:
    async with running(tmp_path, {"allow_clients": ["127.0.0.0/8", "::1/128"], "host": "::1"}) as resolver:
        assert resolver.bound["dns"].startswith("[::1]:")
        assert addresses(await resolver.ask("evil.example", "AAAA")) == ["::"]


@pytest.mark.parametrize(
    ("upstreams_", "code"),
    [(["127.0.0.1:9"], 23), ([], 22)],
)
async def test_no_upstream_is_said_at_once(tmp_path: Path, upstreams_: list[str], code: int) -> None:
    async with running(tmp_path, {"upstreams": upstreams_}) as resolver:
        async with asyncio.timeout(3):
            found = await resolver.ask("good.example", edns=1232)
        assert (found.header.rcode, extended_errors(found)[0][0]) == (RCODE.SERVFAIL, code)
        assert addresses(await resolver.ask("evil.example")) == ["0.0.0.0"]


async def test_a_silent_upstream_is_given_up_within_five_seconds(resolver: Running, upstream: FakeUpstream) -> None:
    upstream.behave("*", "silent")
    async with asyncio.timeout(5):
        found = await resolver.ask("good.example", edns=1232)
    assert (found.header.rcode, extended_errors(found)[0][0]) == (RCODE.SERVFAIL, 22)
    assert upstream.count("good.example") >= 3


async def test_dig_is_content(resolver: Running, require_program: object) -> None:
    dig = require_program("dig", "dnsutils")  # type: ignore[operator]
    host, port = resolver.address
    for name, more, expected in (
        ("evil.example", ("A",), "0.0.0.0"),
        ("good.example", ("A",), "192.0.2.10"),
        ("good.example", ("A", "+tcp"), "192.0.2.10"),
        ("good.example", ("AAAA", "+dnssec", "+bufsize=4096"), "2001:db8::10"),
    ):
        process = await asyncio.create_subprocess_exec(
            dig, f"@{host}", "-p", str(port), "+time=3", "+tries=1", name, *more, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        text = out.decode()
        assert process.returncode == 0, text
        assert expected in text, text
        assert "WARNING" not in text, text
        assert "EDNS: version: 0" in text, text


def test_a_taken_port_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot bind UDP 127.0.0.1:{port}"):
            bind("127.0.0.1", port)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot bind TCP 127.0.0.1:{port}"):
            bind("127.0.0.1", port)


def test_port_zero_tries_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from proxy.dns import service

    real = service._socket
    failed: list[int] = []

    def fails_thrice(host: str, port: int, kind: socket.SocketKind, shared: bool) -> socket.socket:
        if kind == socket.SOCK_STREAM and len(failed) < limit:
            failed.append(port)
            raise OSError("taken")
        return real(host, port, kind, shared)

    monkeypatch.setattr(service, "_socket", fails_thrice)
    limit = 3
    udp, tcp = bind("127.0.0.1", 0)
    with udp, tcp:
        assert udp.getsockname() == tcp.getsockname()
    limit = 99
    with pytest.raises(OSError, match="free for both"):
        bind("127.0.0.1", 0)


def test_spelling() -> None:
    assert (spell(("127.0.0.1", 53)), spell(("::1", 53))) == ("127.0.0.1:53", "[::1]:53")


def test_upstreams_are_read() -> None:
    written = ("9.9.9.9", "tcp://[::1]:54", "9.9.9.9")
    assert [str(one) for one in upstreams(written, ("127.0.0.1", 53), lambda: 0.0)()] == [
        "udp://9.9.9.9:53",
        "tcp://[::1]:54",
    ]


def test_it_all_runs_on_the_workers_loop(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with FakeUpstream() as upstream:
            upstream.add("good.example 60 A 192.0.2.10", "large.example 60 A 192.0.2.11")
            upstream.behave("large.example", "truncated")
            async with running(tmp_path, {"upstreams": [upstream.address]}) as resolver:
                for _ in range(3):
                    assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]
                    assert addresses(await resolver.ask("large.example")) == ["192.0.2.11"]
                    assert addresses(await resolver.ask("evil.example")) == ["0.0.0.0"]
                    (reply,) = await resolver.tcp(question("good.example"))
                    assert addresses(DNSRecord.parse(reply)) == ["192.0.2.10"]
                client = LookupClient(resolver.socket_path)
                found = await client.lookup("good.example", resolver.reporter.devices[0])
                assert [str(one) for one in found.addresses] == ["192.0.2.10"]
                await client.close()
                upstream.behave("*", "silent")
                waiting = asyncio.create_task(resolver.udp(question("other.example"), 0.3))
                await until(lambda: "other.example" in upstream.names)
            assert await waiting is None

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
