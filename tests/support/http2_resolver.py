"""A DNS-over-HTTPS server that misbehaves on cue: HTTP/2 by h2, answers as told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dnslib import RR, DNSRecord
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset

DNS = "application/dns-message"


@dataclass
class Http2Resolver:
    """Behaviours: "", status, html, oversized, reset, goaway, silent, close, garbage, other, wrong_question."""

    how: str = ""
    port: int = 0
    connections: int = 0
    requests: list[dict[str, str]] = field(default_factory=list)
    packets: list[bytes] = field(default_factory=list)
    given_up: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        http.initiate_connection()
        writer.write(http.data_to_send())
        bodies: dict[int, bytes] = {}
        try:
            while data := await reader.read(65_535):
                for event in http.receive_data(data):
                    if isinstance(event, RequestReceived):
                        self.requests.append(dict(event.headers))  # type: ignore[arg-type]
                        bodies[event.stream_id or 0] = b""
                    elif isinstance(event, DataReceived):
                        bodies[event.stream_id or 0] += event.data or b""
                    elif isinstance(event, StreamReset):
                        self.given_up += 1
                    elif isinstance(event, StreamEnded):
                        self.answer(http, event.stream_id or 0, bodies.pop(event.stream_id or 0), writer)
                    elif isinstance(event, ConnectionTerminated):
                        return
                writer.write(http.data_to_send())
        except OSError:
            pass
        finally:
            writer.close()

    def answer(self, http: H2Connection, stream: int, packet: bytes, writer: asyncio.StreamWriter) -> None:
        self.packets.append(packet)
        how = self.how
        if how == "silent":
            return
        if how == "close":
            writer.close()
            return
        if how == "reset":
            http.reset_stream(stream, 7)
            return
        if how == "goaway":
            self.how = ""
            http.close_connection(last_stream_id=0)
            return
        parsed = DNSRecord.parse(packet)
        reply = parsed.reply()
        reply.add_answer(*RR.fromZone(f"{parsed.q.qname} 60 A 192.0.2.10"))
        body = {
            "garbage": b"\xff" * 30,
            "oversized": bytes(70_000),
            "other": b"\0\0" + bytes(reply.pack())[2:],
            "wrong_question": bytes(DNSRecord.question("other.example").reply().pack()),
        }.get(how, bytes(reply.pack()))
        status, kind = ("500" if how == "status" else "200"), ("text/html" if how == "html" else DNS)
        http.send_headers(stream, [(":status", status), ("content-type", kind)])
        while body:
            part = body[: min(16_000, http.local_flow_control_window(stream))]
            if not part:
                return  # the rest would follow when there is room; the client has had enough by then
            body = body[len(part) :]
            http.send_data(stream, part, end_stream=not body)


@asynccontextmanager
async def http2_resolver(context: ssl.SSLContext, how: str = "") -> AsyncIterator[Http2Resolver]:
    """Serve on a free port of loopback."""
    made = Http2Resolver(how)
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
