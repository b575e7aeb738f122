"""A fake upstream DNS server on loopback, UDP and TCP on one port, that records what it is asked and misbehaves on cue.

Records are added by name and type; a name can be given a behaviour. Everything that arrives is in `asked`, so that a
test can hold that a name never left.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import defaultdict
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from dnslib import EDNS0, QTYPE, RCODE, RR, DNSRecord, EDNSOption

BEHAVIOURS = frozenset(
    "garbage wrong_id wrong_question other_port truncated silent slow lower_case servfail refused "
    "no_edns cut_records no_question stray_flood slow_once close tcp_garbage oversized".split()
)

SERVER_COOKIE = b"server-cookie-16"


@dataclass
class Asked:
    """One query as it arrived."""

    name: str  # lower case, no trailing dot
    qtype: str
    transport: str
    port: int
    packet: bytes
    parsed: DNSRecord = field(repr=False)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, upstream: FakeUpstream) -> None:
        self.upstream = upstream

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.upstream.start(self.upstream.on_udp(data, addr, self.transport))


class FakeUpstream:
    """`async with FakeUpstream() as upstream: upstream.add("good.example 60 A 192.0.2.1")`."""

    def __init__(self, delay: float = 0.3) -> None:
        self.asked: list[Asked] = []
        self.delay = delay  # seconds that `slow` names take
        self.open_connections = 0
        self.options: list[EDNSOption] = []  # of the OPT record that every answer has
        self.cookies = ""  # "" for none; "kind" gives one, "strict" insists on it, "stray" gives back another's
        self._records: dict[tuple[str, str], list[RR]] = defaultdict(list)
        self._authority: dict[str, list[RR]] = defaultdict(list)
        self._rcodes: dict[str, str] = {}
        self._behaviour: dict[str, str] = {}
        self._default = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self._tls: asyncio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def names(self) -> set[str]:
        """Return every name that was asked for."""
        return {asked.name for asked in self.asked}

    def count(self, name: str, qtype: str = "") -> int:
        return sum(asked.name == name and qtype in ("", asked.qtype) for asked in self.asked)

    def add(self, *zone: str, under: str = "") -> None:
        """Add records in zone form; `under` is the name asked for when the record's own name is another."""
        for line in zone:
            for rr in RR.fromZone(line):
                name = under or _text(rr.rname)
                if QTYPE[rr.rtype] == "SOA":
                    self._authority[name].append(rr)
                else:
                    kind = "*" if QTYPE[rr.rtype] in ("CNAME", "DNAME") or under else QTYPE[rr.rtype]
                    self._records[(name, kind)].append(rr)

    def replace(self, name: str, *zone: str) -> None:
        for key in [key for key in self._records if key[0] == name]:
            del self._records[key]
        self.add(*zone)

    def rcode(self, name: str, rcode: str) -> None:
        self._rcodes[name] = rcode

    def behave(self, name: str, behaviour: str) -> None:
        """Misbehave for one name, or for all with `*`; an empty behaviour is good again."""
        assert behaviour in BEHAVIOURS or not behaviour
        if name == "*":
            self._default = behaviour
        self._behaviour[name] = behaviour

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for _ in range(20):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind(("127.0.0.1", self.port))
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tcp.bind(udp.getsockname())
                break
            except OSError:
                udp.close()
                tcp.close()
        self.port = udp.getsockname()[1]
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), sock=udp)
        self._server = await asyncio.start_server(self._on_tcp, sock=tcp)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def serve_tls(self, context: ssl.SSLContext) -> int:
        """Answer over TLS too, on a port of its own."""
        self._tls = await asyncio.start_server(self._on_tcp, "127.0.0.1", 0, ssl=context)
        return int(self._tls.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._transport.close()
        self._server.close()
        if self._tls is not None:
            self._tls.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _record(self, packet: bytes, transport: str, port: int) -> Asked:
        parsed = DNSRecord.parse(packet)
        asked = Asked(_text(parsed.q.qname), QTYPE[parsed.q.qtype], transport, port, packet, parsed)
        self.asked.append(asked)
        return asked

    def _how(self, asked: Asked) -> str:
        how = self._behaviour.get(asked.name, self._default)
        if how == "slow_once":
            return "slow" if self.count(asked.name) == 1 else ""
        return how

    async def on_udp(self, data: bytes, addr: Any, transport: asyncio.DatagramTransport) -> None:
        asked = self._record(data, "udp", addr[1])
        how = self._how(asked)
        good = self._reply(asked)
        if how == "silent":
            return
        if how == "oversized":
            good += bytes(60_000)
        if how == "slow":
            await asyncio.sleep(self.delay)
        if how == "stray_flood":
            for _ in range(100):
                transport.sendto(b"\xff" * 40, addr)
            return
        if how == "other_port":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.sendto(_forged(asked), addr)
            await asyncio.sleep(0.02)
        for packet in _spoiled(how, asked, good):
            transport.sendto(packet, addr)

    async def _on_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_connections += 1
        peer = writer.get_extra_info("peername")
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2))
                asked = self._record(await reader.readexactly(size), "tcp", peer[1])
                self.start(self._answer_tcp(asked, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            self.open_connections -= 1
            writer.close()

    async def _answer_tcp(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        how = self._how(asked)
        if how == "silent":
            return
        if how == "slow":
            await asyncio.sleep(self.delay)
        if how == "close":
            writer.close()
            return
        good = self._reply(asked)
        packets = _spoiled(how, asked, good) if how in ("lower_case", "servfail", "no_edns") else [good]
        if how == "tcp_garbage":
            packets = [b"\xff" * 20]
        for packet in packets:
            writer.write(len(packet).to_bytes(2) + packet)

    def _reply(self, asked: Asked) -> bytes:
        record = asked.parsed.reply(ra=1, aa=0)
        record.add_answer(*self._records[(asked.name, "*")], *self._records[(asked.name, asked.qtype)])
        if not record.rr:
            record.add_auth(*self._authority[asked.name])
            if asked.name in self._rcodes:
                record.header.rcode = getattr(RCODE, self._rcodes[asked.name])
        if asked.parsed.ar and self._behaviour.get(asked.name) not in ("cut_records", "no_edns"):
            cookie, ext = self._cookie(asked)
            if ext:
                record.rr, record.header.rcode = [], 23 & 15
            flags = "do" if asked.parsed.ar[0].edns_do else ""
            opts = [*self.options, *([EDNSOption(10, cookie)] if cookie else [])]
            record.add_ar(EDNS0(udp_len=4096, flags=flags, ext_rcode=ext, opts=opts))
        return bytes(record.pack())

    def _cookie(self, asked: Asked) -> tuple[bytes, int]:
        """Return the COOKIE option for an answer, and the upper part of BADCOOKIE where that is due."""
        sent = next((bytes(one.data) for one in asked.parsed.ar[0].rdata if one.code == 10), b"")
        if not self.cookies or not sent:
            return b"", 0
        if self.cookies == "stray" and len(sent) > 8:
            return bytes(8) + SERVER_COOKIE, 0
        good = sent[8:] == SERVER_COOKIE or self.cookies != "strict" or asked.transport != "udp"
        return sent[:8] + SERVER_COOKIE, 0 if good else 1


def _text(name: Any) -> str:
    return str(name).lower().rstrip(".")


def _forged(asked: Asked) -> bytes:
    reply = asked.parsed.reply()
    reply.add_answer(*RR.fromZone(f"{asked.name}. 60 A 203.0.113.66"))
    return bytes(reply.pack())


def _spoiled(how: str, asked: Asked, good: bytes) -> list[bytes]:
    """Return what a misbehaving server sends in place of, or before, the good answer."""
    forged = _forged(asked)
    end = 12 + len(bytes(asked.parsed.q.qname.label and b"".join(b"." + one for one in asked.parsed.q.qname.label))) + 5
    spoiled = {
        "garbage": [b"\x00", b"\xff" * 40, good],
        "wrong_id": [bytes([forged[0] ^ 0xFF]) + forged[1:], good],
        "wrong_question": [forged[:12] + b"\x05other\x04test\0\0\1\0\1", good],
        "truncated": [good[:2] + bytes([good[2] | 2]) + good[3:6] + bytes(6) + good[12:end]],
        "lower_case": [good[:12] + good[12 : end - 4].lower() + good[end - 4 :]],
        "servfail": [good[:3] + b"\x82" + good[4:6] + bytes(6) + good[12:end]],
        "refused": [good[:3] + b"\x85" + good[4:6] + bytes(6) + good[12:end]],
        "no_edns": [good[:3] + b"\x81" + bytes(8)] if asked.parsed.ar else [good],
        "cut_records": [good[:-3]],
        "no_question": [good[:3] + b"\x85" + bytes(8)],
    }
    return spoiled.get(how, [good])
