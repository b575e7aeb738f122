"""Upstreams over HTTPS, and encrypted upstreams given by name: real TLS and HTTP/2 on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from dnslib import RCODE

from proxy.dns.answers import Body, empty
from proxy.dns.bootstrap import Bootstrap, by_address_only
from proxy.dns.cache import AnswerCache
from proxy.dns.codes import Rcode
from proxy.dns.endpoint import parse_endpoint
from proxy.dns.exchange import Question
from proxy.dns.forwarder import Forwarder
from proxy.dns.records import Evidence
from tests.proxy.dns.test_forwarder import q
from tests.proxy.dns.test_upstream_tls import certificate
from tests.support.dns_over_tls import NAME, serving
from tests.support.http2_resolver import Http2Resolver, http2_resolver
from tests.support.resolver import addresses, extended_errors, running, until
from tests.support.upstream import FakeUpstream

HERE = x509.IPAddress(ip_address("127.0.0.1"))


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A trusted server's context, for 127.0.0.1 and dns.example."""
    path = certificate(tmp_path, HERE, x509.DNSName("dns.example"))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.set_alpn_protocols(["h2", "dot"])
    return context


@pytest.fixture
async def server(served: ssl.SSLContext) -> AsyncIterator[Http2Resolver]:
    async with http2_resolver(served) as found:
        yield found


async def ask(address: str, name: str = "good.example", bootstrap: Bootstrap | None = None) -> Body:
    forwarder = Forwarder(
        lambda: (parse_endpoint(address),), AnswerCache(), asyncio.get_running_loop().time, bootstrap=bootstrap
    )
    try:
        async with asyncio.timeout(5):
            return await forwarder.ask(q(name))
    finally:
        await forwarder.close()


async def test_questions_share_one_connection(tmp_path: Path, server: Http2Resolver) -> None:
    address = f"https://127.0.0.1:{server.port}/some/path"
    async with running(tmp_path, {"upstreams": [address]}) as resolver:
        names = [f"n{number}.example" for number in range(20)]
        for found in await asyncio.gather(*(resolver.ask(name) for name in names)):
            assert addresses(found) == ["192.0.2.10"]
    assert (server.connections, len(server.requests)) == (1, 20)
    request = server.requests[0]
    assert request[":method"] == "POST"
    assert request[":path"] == "/some/path"
    assert request[":authority"] == f"127.0.0.1:{server.port}"
    assert request["content-type"] == request["accept"] == "application/dns-message"
    assert not {"user-agent", "cookie"} & request.keys()
    assert {len(packet) for packet in server.packets} == {128}  # padded: the length tells nothing


@pytest.mark.parametrize(
    ("how", "rcode"),
    [
        ("", Rcode.NOERROR),
        ("status", Rcode.SERVFAIL),
        ("html", Rcode.SERVFAIL),
        ("oversized", Rcode.SERVFAIL),
        ("reset", Rcode.SERVFAIL),
        ("goaway", Rcode.NOERROR),
        ("silent", Rcode.SERVFAIL),
        ("close", Rcode.SERVFAIL),
        ("garbage", Rcode.SERVFAIL),
        ("other", Rcode.SERVFAIL),
        ("wrong_question", Rcode.SERVFAIL),
    ],
)
async def test_whatever_it_does_there_is_an_answer(server: Http2Resolver, how: str, rcode: Rcode) -> None:
    server.how = how
    body = await ask(f"https://127.0.0.1:{server.port}")
    assert body.rcode == rcode
    assert bool(body.evidence.addresses) == (rcode == Rcode.NOERROR)


async def test_a_question_that_is_given_up_does_not_end_the_connection(server: Http2Resolver, tmp_path: Path) -> None:
    async with running(tmp_path, {"upstreams": [f"https://127.0.0.1:{server.port}"]}) as resolver:
        server.how = "silent"
        found = await resolver.ask("slow.example", edns=1232)
        assert (found.header.rcode, extended_errors(found)[0][0]) == (RCODE.SERVFAIL, 22)
        server.how = ""
        assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]
        await until(lambda: server.given_up == 3)
    assert server.connections == 1


async def test_a_connection_that_was_closed_unseen_is_opened_anew(server: Http2Resolver, tmp_path: Path) -> None:
    async with running(tmp_path, {"upstreams": [f"https://127.0.0.1:{server.port}"]}) as resolver:
        for number, how in enumerate(["", "goaway", "", "close", ""]):
            server.how = how
            await resolver.ask(f"n{number}.example")
        assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]


@pytest.mark.parametrize("trusted", ["nothing", "another name"])
async def test_nobody_else_is_asked(server: Http2Resolver, monkeypatch: pytest.MonkeyPatch, trusted: str) -> None:
    name = ""
    if trusted == "nothing":
        monkeypatch.delenv("SSL_CERT_FILE")
    else:
        name = "#other.example"
    body = await ask(f"https://127.0.0.1:{server.port}/dns-query{name}")
    assert body.rcode == Rcode.SERVFAIL
    assert body.error is not None
    assert body.error.code == 23
    assert not server.requests


async def test_a_server_without_http2_is_not_asked(served: ssl.SSLContext, upstream: FakeUpstream) -> None:
    served.set_alpn_protocols(["http/1.1"])
    port = await upstream.serve_tls(served)
    assert (await ask(f"https://127.0.0.1:{port}")).rcode == Rcode.SERVFAIL
    assert not upstream.asked


@pytest.mark.parametrize("scheme", ["tls", "https"])
async def test_an_upstream_by_name_is_found_by_bootstrap(
    tmp_path: Path, server: Http2Resolver, served: ssl.SSLContext, upstream: FakeUpstream, scheme: str
) -> None:
    async with FakeUpstream() as finder:
        finder.add("dns.example 600 A 127.0.0.2", "dns.example 600 A 127.0.0.1")  # nobody listens on the first
        port = server.port if scheme == "https" else await upstream.serve_tls(served)
        settings = {"upstreams": [f"{scheme}://dns.example:{port}"], "bootstrap": [finder.address]}
        async with running(tmp_path, settings) as resolver:
            for name in ("good.example", "other.example"):
                assert (await resolver.ask(name)).header.rcode == RCODE.NOERROR
        assert sorted((one.name, one.qtype) for one in finder.asked) == [("dns.example", "A"), ("dns.example", "AAAA")]
    assert len(server.requests if scheme == "https" else upstream.asked) == 2


async def test_a_name_of_dns_hosts_is_not_looked_up(tmp_path: Path, server: Http2Resolver) -> None:
    async with FakeUpstream() as finder:
        settings = {
            "upstreams": [f"https://dns.example:{server.port}"],
            "bootstrap": [finder.address],
            "hosts": {"dns.example": "127.0.0.1"},
        }
        async with running(tmp_path, settings) as resolver:
            assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]
        assert not finder.asked


@pytest.mark.parametrize("how", ["silent", "servfail", ""])
async def test_a_name_that_nobody_knows_is_said(tmp_path: Path, how: str) -> None:
    async with FakeUpstream() as finder:
        finder.behave("*", how)
        settings = {"upstreams": ["https://dns.example"], "bootstrap": [finder.address]}
        async with running(tmp_path, settings) as resolver:
            async with asyncio.timeout(5):
                found = await resolver.ask("good.example", edns=1232)
        assert found.header.rcode == RCODE.SERVFAIL
        assert extended_errors(found)[0][0] in (22, 23)


async def test_what_was_found_once_stands_in_later() -> None:
    now = [0.0]
    answers = [("127.0.0.1",), ("127.0.0.9", "::1"), ()]
    asked: list[Question] = []

    async def finder(question: Question) -> Body:
        asked.append(question)
        kind = int.from_bytes(question.key[-4:-2])
        if kind == 28 or not answers[0]:
            return empty(Rcode.SERVFAIL)
        return Body(0, (1, 0, 0), b"", lifetime=5, evidence=Evidence((), tuple(map(ip_address, answers[0]))))

    bootstrap = Bootstrap(finder, lambda: now[0])
    endpoint = parse_endpoint("tls://dns.example")
    assert await bootstrap.addresses(endpoint) == ("127.0.0.1",)
    answers.pop(0)
    now[0] = 59.0
    assert await bootstrap.addresses(endpoint) == ("127.0.0.1",)
    now[0] = 61.0
    assert await bootstrap.addresses(endpoint) == ("127.0.0.9", "::1")
    bootstrap.prefer(endpoint, "::1")
    answers.pop(0)
    now[0] = 200.0
    assert await bootstrap.addresses(endpoint) == ("::1", "127.0.0.9")
    assert await bootstrap.addresses(parse_endpoint("tls://192.0.2.1")) == ("192.0.2.1",)
    with pytest.raises(OSError, match=r"see dns\.bootstrap"):
        await by_address_only(lambda: 0.0).addresses(endpoint)


async def test_our_own_servers_are_upstreams_too(
    tmp_path: Path, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway behind a gateway: both encrypted ways, with a device's token in the path."""
    async with running(tmp_path, {"upstreams": [upstream.address]}) as behind, serving(behind.state) as over:
        monkeypatch.setenv("SSL_CERT_FILE", str(over.state.ca_certificate))
        record, given = over.devices.add("branch")
        https = f"https://127.0.0.1:{over.port('dns_https')}/dns-query/{given.token}#{NAME}"
        tls = f"tls://127.0.0.1:{over.port('dns_tls')}#{given.token}.{NAME}"
        for number, address in enumerate((https, tls)):
            (tmp_path / str(number)).mkdir()
            async with running(tmp_path / str(number), {"upstreams": [address]}) as resolver:
                assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]
        assert {device.id for device in over.reporter.devices} == {record.id}


async def test_a_slow_handshake_is_not_begun_again(
    tmp_path: Path, server: Http2Resolver, served: ssl.SSLContext
) -> None:
    """A connection that opens after its first asker's time is over serves the next round."""
    gate = asyncio.Event()
    connections = 0

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await gate.wait()
        there_reader, there = await asyncio.open_connection("127.0.0.1", server.port)

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65_535):
                sink.write(data)
            sink.close()

        await asyncio.gather(pass_on(reader, there), pass_on(there_reader, writer))

    relay = await asyncio.start_server(late, "127.0.0.1", 0)
    port = relay.sockets[0].getsockname()[1]
    async with running(tmp_path, {"upstreams": [f"https://127.0.0.1:{port}"]}) as resolver:
        asking = asyncio.create_task(resolver.ask("good.example"))
        asyncio.get_running_loop().call_later(1.0, gate.set)  # later than the first round, sooner than the second
        assert addresses(await asking) == ["192.0.2.10"]
    relay.close()
    assert connections == 1
