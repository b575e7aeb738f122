"""A kept connection that is cut off on its way, unseen: who meets it is answered, by another connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from proxy.dns import kept
from proxy.dns.kept import Silence
from tests.proxy.dns.test_upstream_tls import certificate
from tests.support.http2_resolver import http2_resolver
from tests.support.resolver import addresses, running
from tests.support.upstream import FakeUpstream


@dataclass
class Wire:
    """Pass connections on to a port, until those that are open are cut off: then their bytes are lost."""

    to: int = 0
    port: int = 0
    connections: int = 0
    cut: set[int] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        there_reader, there = await asyncio.open_connection("127.0.0.1", self.to)

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65_535):
                if number not in self.cut:
                    sink.write(data)
            sink.close()

        await asyncio.gather(pass_on(reader, there), pass_on(there_reader, writer), return_exceptions=True)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    made = Wire()
    server = await asyncio.start_server(made.carry, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


async def meets_a_cut_wire(folder: Path, wire: Wire, upstream: str) -> None:
    async with running(folder, {"upstreams": [upstream]}) as resolver:
        assert addresses(await resolver.ask("good.example")) == ["192.0.2.10"]
        wire.cut.add(1)
        async with asyncio.timeout(5):
            assert addresses(await resolver.ask("next.example")) == ["192.0.2.10"]
        async with asyncio.timeout(1):
            assert addresses(await resolver.ask("third.example")) == ["192.0.2.10"]
    assert wire.connections == 2


async def test_over_tcp(tmp_path: Path, wire: Wire, upstream: FakeUpstream) -> None:
    upstream.add("next.example 60 A 192.0.2.10", "third.example 60 A 192.0.2.10")
    wire.to = upstream.port
    await meets_a_cut_wire(tmp_path, wire, f"tcp://127.0.0.1:{wire.port}")


async def test_over_https(tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    path = certificate(tmp_path, x509.IPAddress(ip_address("127.0.0.1")))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.set_alpn_protocols(["h2"])
    async with http2_resolver(context) as server:
        wire.to = server.port
        await meets_a_cut_wire(tmp_path, wire, f"https://127.0.0.1:{wire.port}")


async def test_silence_begins_with_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_GONE_AFTER", 0.0)
    silence = Silence()
    assert not silence.is_long, "nobody was asked"
    silence.asked()
    await asyncio.sleep(0.01)
    assert silence.is_long
    silence.ended()
    assert not silence.is_long, "something came"
