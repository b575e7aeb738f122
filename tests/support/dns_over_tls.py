"""A running DNS over TLS and HTTPS service for tests, beside a running resolver, and clients for both."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import h2.config
import h2.connection
import h2.events

from proxy import server_certificate
from proxy.config.load import LoadedConfig
from proxy.config.model import Config
from proxy.devices.store import DeviceStore
from proxy.dns.tls import service
from proxy.policy import LivePolicy
from proxy.secrets import Secrets
from proxy.server_certificate import Names
from proxy.state import StateDir
from proxy.worker import WorkerContext
from tests.support.resolver import RecordingReporter

KEY = bytes(32)
NAME = "dns.test"


@dataclass
class OverTls:
    """A running service."""

    state: StateDir
    bound: dict[str, str] = field(default_factory=dict)
    reporter: RecordingReporter = field(default_factory=RecordingReporter)

    @property
    def devices(self) -> DeviceStore:
        """The registry, as the supervisor changes it."""
        return DeviceStore(self.state.devices, KEY, lambda: datetime.now(UTC))

    def port(self, name: str) -> int:
        return int(self.bound[name].rpartition(":")[2])

    def trust(self, *protocols: str) -> ssl.SSLContext:
        """Trust our CA and nobody else."""
        context = ssl.create_default_context(cafile=str(self.state.ca_certificate))
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context

    async def dot(self, *packets: bytes, name: str = NAME, seconds: float = 6.0) -> list[bytes]:
        """Send packets over one connection, all at once, and return as many replies, in the order they came."""
        reader, writer = await self.connect_dot(name)
        try:
            writer.write(b"".join(len(packet).to_bytes(2) + packet for packet in packets))
            async with asyncio.timeout(seconds):
                return [await reader.readexactly(int.from_bytes(await reader.readexactly(2))) for _ in packets]
        finally:
            writer.close()

    async def connect_dot(self, name: str = NAME) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = self.bound["dns_tls"].rpartition(":")[0].strip("[]")
        return await asyncio.open_connection(host, self.port("dns_tls"), ssl=self.trust("dot"), server_hostname=name)

    async def https(
        self,
        packet: bytes = b"",
        *,
        path: str = "/dns-query",
        method: str = "POST",
        http2: bool = True,
        headers: Mapping[str, str] = {},
        without: tuple[str, ...] = (),
        name: str = NAME,
    ) -> tuple[int, dict[str, str], bytes]:
        """Make one request on a connection of its own; return status, headers and body."""
        sent = {"content-type": "application/dns-message", "accept": "application/dns-message", **headers}
        if method == "GET":
            del sent["content-type"]
            if packet:
                path = f"{path}?dns={base64.urlsafe_b64encode(packet).decode().rstrip('=')}"
                packet = b""
        for header in without:
            del sent[header]
        host = self.bound["dns_https"].rpartition(":")[0].strip("[]")
        trust = self.trust("h2" if http2 else "http/1.1")
        reader, writer = await asyncio.open_connection(host, self.port("dns_https"), ssl=trust, server_hostname=name)
        try:
            async with asyncio.timeout(6):
                ask = _http2 if http2 else _http1
                return await ask(reader, writer, method, path, sent, packet)
        finally:
            writer.close()


async def _http1(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    path: str,
    sent: dict[str, str],
    body: bytes,
) -> tuple[int, dict[str, str], bytes]:
    lines = [f"{method} {path} HTTP/1.1", f"host: {NAME}", *(f"{name}: {value}" for name, value in sent.items())]
    if method != "GET":
        lines.append(f"content-length: {len(body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-1])}
    size = 0 if method == "HEAD" else int(headers.get("content-length", 0))
    return int(head[0].split()[1]), headers, await reader.readexactly(size)


async def _http2(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    path: str,
    sent: dict[str, str],
    body: bytes,
) -> tuple[int, dict[str, str], bytes]:
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    fields = {":method": method, ":scheme": "https", ":authority": NAME, ":path": path, **sent}
    connection.send_headers(1, list(fields.items()), end_stream=not body)
    headers: dict[str, str] = {}
    found = b""
    while True:
        room = min(len(body), connection.local_flow_control_window(1), connection.max_outbound_frame_size)
        if room > 0:
            connection.send_data(1, body[:room], end_stream=room == len(body))
            body = body[room:]
            continue
        writer.write(connection.data_to_send())
        received = await reader.read(65_535)
        assert received, "the server closed the connection"
        for event in connection.receive_data(received):
            if isinstance(event, h2.events.ResponseReceived):
                headers = dict(cast(Any, event.headers))
            elif isinstance(event, h2.events.DataReceived):
                found += event.data
            elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                return int(headers.pop(":status")), headers, found


class _Control:
    def __init__(self, ready: asyncio.Future[dict[str, str]]) -> None:
        self._ready = ready

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        assert op == "ready"
        self._ready.set_result(fields["bound"])
        return {"ok": True}


@asynccontextmanager
async def serving(state: StateDir, dns: Mapping[str, Any] | None = None) -> AsyncIterator[OverTls]:
    """Run the service with these `dns` settings beside whatever resolver serves `state`."""
    state.prepare()
    now = datetime.now(UTC)
    over = OverTls(state)
    server_certificate.ensure(state, Names((NAME,), (ip_address("127.0.0.1"), ip_address("::1"))), now)
    stopping = asyncio.Event()
    ready: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    settings = {"tls_port": 0, "https_port": 0, "tls": {"name": NAME}, **(dns or {})}
    config = Config.model_validate({"dns": settings})
    context = WorkerContext(
        LoadedConfig(config, Path("config.yaml")),
        state,
        Secrets("installation", "", "", "", b"", b"", KEY),
        LivePolicy(config, state, lambda: datetime.now(UTC)),
        over.reporter,
        cast(Any, _Control(ready)),
        lambda: datetime.now(UTC),
        stopping,
    )
    task = asyncio.create_task(service.serve(context))
    try:
        await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        over.bound.update(ready.result())
        yield over
        stopping.set()
        async with asyncio.timeout(3):
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
