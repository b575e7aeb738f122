"""DNS over TLS and HTTPS as clients meet them: real sockets, real certificates, and the resolver behind."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from dnslib import RCODE, DNSRecord, EDNSOption

from indicators.words import IdentifiedBy
from proxy.dns.tls.service import listen
from proxy.state import StateDir
from tests.support.dns_over_tls import NAME, OverTls, serving
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

PADDING = EDNSOption(12, b"\0" * 20)


@pytest.fixture
async def over(resolver: Running) -> AsyncIterator[OverTls]:
    async with serving(resolver.state) as found:
        yield found


def parsed(packet: bytes) -> DNSRecord:
    return DNSRecord.parse(packet)


async def test_over_tls(over: OverTls, resolver: Running) -> None:
    packets = [question(name, qid=number) for number, name in enumerate(["good.example", "evil.example"] * 3)]
    replies = {parsed(reply).header.id: parsed(reply) for reply in await over.dot(*packets)}
    assert [addresses(replies[number]) for number in range(6)] == [["192.0.2.10"], ["0.0.0.0"]] * 3
    await until(lambda: resolver.reporter.reports)
    assert [device.id for device in over.reporter.devices] == [resolver.reporter.reports[0][0].device.id]


@pytest.mark.parametrize("http2", [True, False], ids=["http2", "http1"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_over_https(over: OverTls, method: str, http2: bool) -> None:
    status, headers, body = await over.https(question("GOOD.example", edns=1232), method=method, http2=http2)
    assert (status, headers["content-type"]) == (200, "application/dns-message")
    assert 50 <= int(headers["cache-control"].removeprefix("private, max-age=")) <= 60
    assert "server" not in headers
    assert (addresses(parsed(body)), str(parsed(body).q.qname)) == (["192.0.2.10"], "GOOD.example.")
    status, headers, body = await over.https(question("evil.example", edns=1232), method=method, http2=http2)
    assert (status, headers["cache-control"]) == (200, "private, max-age=10")
    assert (addresses(parsed(body)), extended_errors(parsed(body))[0][0]) == (["0.0.0.0"], 17)


async def test_a_failure_is_not_kept(over: OverTls, upstream: FakeUpstream) -> None:
    upstream.behave("*", "servfail")
    status, headers, body = await over.https(question("other.example"))
    assert (status, headers["cache-control"], parsed(body).header.rcode) == (200, "private, max-age=0", RCODE.SERVFAIL)


async def test_a_negative_answer_is_kept_as_its_soa_says(over: OverTls, upstream: FakeUpstream) -> None:
    upstream.add("none.example 300 SOA ns.example. admin.example. 1 2 3 4 77")
    upstream.rcode("none.example", "NXDOMAIN")
    _, headers, body = await over.https(question("none.example"))
    assert (headers["cache-control"], parsed(body).header.rcode) == ("private, max-age=77", RCODE.NXDOMAIN)


GOOD = question("good.example")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"path": "/"}, 404),
        ({"path": "/dns-query-not"}, 404),
        ({"path": "/dns-query/a/b"}, 404),
        ({"path": "/dns-query/" + "a" * 26}, 403),
        ({"path": "/dns-query/x"}, 403),
        ({"method": "PUT"}, 405),
        ({"method": "HEAD"}, 405),
        ({"headers": {"accept": "text/html"}}, 406),
        ({"headers": {"accept": "text/html, */*;q=0.1"}}, 200),
        ({"without": ("accept",)}, 200),
        ({"headers": {"content-type": "application/json"}}, 415),
        ({"headers": {"content-type": "Application/DNS-Message; charset=x"}}, 200),
        ({"without": ("content-type",)}, 415),
        ({"packet": b""}, 400),
        ({"packet": b"\0" * 11}, 400),
        ({"packet": GOOD[:2] + b"\x80" + GOOD[3:]}, 400),
        ({"packet": b"\0" * 65_536}, 413),
        ({"packet": b"\0" * 65_535}, 200),
        ({"path": "/dns-query/"}, 200),
        ({"method": "GET", "packet": b""}, 400),
        ({"method": "GET", "packet": b"", "path": "/dns-query?dns=*"}, 400),
        ({"method": "GET", "packet": b"", "path": "/dns-query?dns=AAAA&dns=AAAA"}, 400),
        ({"method": "GET", "packet": b"", "path": "/dns-query?dns=A"}, 400),
        ({"method": "GET", "packet": b"", "path": "/dns-query?" + "&".join("abcdefghij")}, 400),
        ({"method": "GET", "packet": b"", "path": "/dns-query?dns=" + "A" * 9000}, 414),
        ({"method": "GET", "packet": b"", "path": "/dns-query?dns=" + base64.b64encode(GOOD).decode()}, 200),
    ],
    ids=range(26),
)
@pytest.mark.parametrize("http2", [True, False], ids=["http2", "http1"])
async def test_what_a_request_gets(over: OverTls, request_: dict[str, Any], status: int, http2: bool) -> None:
    found, headers, body = await over.https(**{"packet": GOOD, "http2": http2, **request_})
    assert found == status
    if status != 200 and request_.get("method") != "HEAD":
        assert (headers["cache-control"], body.count(b"\n")) == ("no-store", 1)
        assert headers.get("allow") == ("GET, POST" if status == 405 else None)


async def test_a_token_makes_a_device_known(tmp_path: Path, upstream: FakeUpstream) -> None:
    policy = TestPolicy({"block": "evil.example", "device_groups": ["children"]})
    async with (
        running(tmp_path, {"upstreams": [upstream.address]}, policy) as resolver,
        serving(resolver.state) as over,
    ):
        upstream.add("evil.example 60 A 192.0.2.66")
        record, given = over.devices.add("Anna's phone", "children")
        path = f"/dns-query/{given.token}"
        for body in (
            (await over.https(question("evil.example"), path=path))[2],
            (await over.dot(question("evil.example"), name=f"{given.token}.{NAME}"))[0],
        ):
            assert addresses(parsed(body)) == ["0.0.0.0"]
        weak = [(await over.https(question("evil.example")))[2], (await over.dot(question("evil.example")))[0]]
        assert [addresses(parsed(body)) for body in weak] == [["192.0.2.66"]] * 2
        await until(lambda: len(resolver.reporter.reports) == 1)
        device = resolver.reporter.reports[0][0].device
        assert (device.id, device.name, device.identified_by) == (record.id, "Anna's phone", IdentifiedBy.TOKEN)
        assert {(one.id, one.listener) for one in over.reporter.devices} >= {(record.id, "doh"), (record.id, "dot")}


async def test_a_revoked_token_ends_at_once(over: OverTls) -> None:
    _, given = over.devices.add("phone")
    path, name = f"/dns-query/{given.token}", f"{given.token}.{NAME}"
    reader, writer = await over.connect_dot(name)

    async def ask() -> bytes:
        writer.write(len(GOOD).to_bytes(2) + GOOD)
        return await reader.read(1000)

    assert await ask()
    assert (await over.https(GOOD, path=path))[0] == 200
    over.devices.revoke("phone")
    assert (await over.https(GOOD, path=path))[0] == 403
    assert await ask() == b""
    writer.close()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await over.connect_dot(name)


async def test_only_those_who_may_ask_are_answered_and_tokens_open_the_door(
    tmp_path: Path, upstream: FakeUpstream
) -> None:
    async with (
        running(tmp_path, {"upstreams": [upstream.address]}) as resolver,
        serving(resolver.state, {"allow_clients": ["127.0.0.2/32"]}) as over,
    ):
        _, given = over.devices.add("phone")
        assert (await over.https(GOOD))[0] == 403
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await over.dot(GOOD)
        assert (await over.https(GOOD, path=f"/dns-query/{given.token}"))[0] == 200
        assert await over.dot(GOOD, name=f"{given.token}.{NAME}")


async def test_questions_are_limited(tmp_path: Path, resolver: Running) -> None:
    async with serving(resolver.state, {"rate_limit": 2}) as over:
        _, given = over.devices.add("phone")
        path = f"/dns-query/{given.token}"
        found = [(await over.https(GOOD, path=path, http2=False)) for _ in range(12)]
        assert 200 in {status for status, _, _ in found}
        assert any((status, headers.get("retry-after")) == (429, "1") for status, headers, _ in found)
        replies = [parsed(reply) for reply in await over.dot(*[question("good.example")] * 12)]
        assert {RCODE[reply.header.rcode] for reply in replies} == {"NOERROR", "REFUSED"}


@pytest.mark.parametrize("name", ["good.example", "evil.example", "a-name-of-another-length.example"])
async def test_replies_are_padded_to_whole_blocks_for_who_pads(over: OverTls, name: str) -> None:
    packet = question(name, edns=1232, options=[PADDING])
    for reply in ((await over.https(packet))[2], (await over.dot(packet))[0]):
        assert len(reply) == 468
        assert [opt.code for rr in parsed(reply).ar for opt in rr.rdata][-1] == 12
    plain = (await over.https(question(name, edns=1232)))[2]
    assert len(plain) < 468
    assert 12 not in [opt.code for rr in parsed(plain).ar for opt in rr.rdata]


async def test_without_a_resolver_there_is_an_answer_that_says_so(tmp_path: Path) -> None:
    async with serving(StateDir(tmp_path / "s")) as over:
        async with asyncio.timeout(20):
            (reply,) = await over.dot(question("good.example", edns=1232))
        assert (parsed(reply).header.rcode, extended_errors(parsed(reply))[0][0]) == (RCODE.SERVFAIL, 14)


async def test_a_certificate_is_taken_over_when_its_file_changes(
    tmp_path: Path, resolver: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from tests.proxy.dns.test_upstream_tls import certificate

    monkeypatch.setattr("proxy.dns.tls.service._LOOK_EVERY", 0.02)
    from cryptography import x509

    path = certificate(tmp_path, x509.DNSName(NAME))
    async with serving(resolver.state, {"tls": {"name": NAME, "cert": str(path)}}) as over:

        async def serial() -> str:
            trust = ssl.create_default_context(cafile=str(path))
            trust.set_alpn_protocols(["dot"])
            _, writer = await asyncio.open_connection(
                "127.0.0.1", over.port("dns_tls"), ssl=trust, server_hostname=NAME
            )
            shown: str = writer.get_extra_info("peercert")["serialNumber"]
            writer.close()
            return shown

        first = await serial()
        path.write_text("not a certificate")
        await until(lambda: "read before stays in use" in caplog.text)
        path = certificate(tmp_path, x509.DNSName(NAME))
        async with asyncio.timeout(20):
            while True:
                try:
                    if await serial() != first:
                        break
                except ssl.SSLError:
                    await asyncio.sleep(0.02)


async def test_nobody_can_hold_a_connection_without_asking(resolver: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.dns.tls.service._IDLE", 0.1)
    async with serving(resolver.state) as over:
        reader, writer = await over.connect_dot()
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()


async def test_garbage_ends_its_connection_only(over: OverTls) -> None:
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await over.dot(b"\xff" * 40)
    assert await over.dot(GOOD)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_both_families_are_served(tmp_path: Path, resolver: Running, host: str) -> None:
    async with serving(resolver.state, {"host": host}) as over:
        assert (await over.https(GOOD))[0] == 200
        assert await over.dot(GOOD)


@pytest.mark.parametrize("missing", ["tls_port", "https_port"])
async def test_each_can_be_served_alone(resolver: Running, missing: str) -> None:
    async with serving(resolver.state, {missing: None}) as over:
        assert set(over.bound) == {"dns_tls", "dns_https"} - {f"dns_{missing.removesuffix('_port')}"}


async def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no.pem"
    with pytest.raises(ValueError, match=rf"dns\.tls: {path}: no certificate"):
        async with serving(StateDir(tmp_path / "s"), {"tls": {"name": NAME, "cert": str(path)}}):
            pass
    with pytest.raises(ValueError, match=r"dns-tls\.pem and "):
        async with serving(StateDir(tmp_path / "s"), {"tls": {"name": NAME, "key": str(path)}}):
            pass


def test_a_taken_port_is_named() -> None:
    with (
        listen("127.0.0.1", 0, "dns.tls_port") as taken,
        pytest.raises(OSError, match=r"dns\.tls_port: cannot bind 127"),
    ):
        listen("127.0.0.1", taken.getsockname()[1], "dns.tls_port")


def test_it_all_runs_on_the_workers_loop(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with FakeUpstream() as upstream:
            upstream.add("good.example 60 A 192.0.2.10")
            settings = {"upstreams": [upstream.address]}
            async with (
                running(tmp_path, settings, TestPolicy(BLOCK_EVIL)) as resolver,
                serving(resolver.state) as over,
            ):
                record, given = over.devices.add("phone")
                (reply,) = await over.dot(question("evil.example"), name=f"{given.token}.{NAME}")
                assert addresses(parsed(reply)) == ["0.0.0.0"]
                for http2 in (True, False):
                    _, _, body = await over.https(GOOD, http2=http2)
                    assert addresses(parsed(body)) == ["192.0.2.10"]
                await until(lambda: [one[0].device.id for one in resolver.reporter.reports] == [record.id])

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
