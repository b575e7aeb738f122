"""Ask one upstream: by UDP, by TCP when the answer is cut off or its letter case is doubtful, or by TLS.

Every UDP question has a socket, and so a random source port, of its own; it is connected, so the kernel lets through
only what comes from the address that was asked. Foreign errors end here, as `UpstreamError`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

from proxy.dns.answers import Body
from proxy.dns.endpoint import Endpoint
from proxy.dns.exchange import Asking, NoEdnsError, OtherCaseError, Question, ask
from proxy.dns.records import BadReplyError
from proxy.dns.stream import StreamUpstream

_MAX_UDP = 65_535
_MAX_STRAYS = 64  # packets that are no answer, before a question counts as under attack and is asked by TCP


class UpstreamError(OSError):
    """Say why an upstream gave no usable answer; `timed_out` when it gave none at all."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


class Upstream:
    """Remember how one upstream is to be asked, and how it has been doing."""

    def __init__(self, endpoint: Endpoint, now: Callable[[], float]) -> None:
        self.endpoint = endpoint
        self._now = now
        tls = ssl.create_default_context() if endpoint.scheme == "tls" else None  # checks chain and name
        self._stream = StreamUpstream(endpoint, tls)
        self._edns = True
        self._mixed_case = True
        self._failures = 0
        self._shunned_until = 0.0
        self.rtt = 0.0  # seconds, smoothed; 0 until measured

    @property
    def is_well(self) -> bool:
        """Say whether it may be asked among the first: it has not failed lately."""
        return self._now() >= self._shunned_until

    async def ask(self, question: Question, within: float) -> Body:
        """Return the answer. Raises UpstreamError after `within` seconds at the latest."""
        start = self._now()
        try:
            async with asyncio.timeout(within):
                body = await self._ask(question)
        except TimeoutError:
            self._failed()
            raise UpstreamError(f"{self.endpoint} did not answer", timed_out=True) from None
        except (BadReplyError, OSError) as problem:
            self._failed()
            raise UpstreamError(f"{self.endpoint}: {problem}") from problem
        self._answered(self._now() - start)
        return body

    async def _ask(self, question: Question) -> Body:
        by = self._by_udp if self.endpoint.scheme == "udp" else self._by_stream
        try:
            return await by(question)
        except NoEdnsError:
            self._edns = False
            return await by(question)

    async def _by_udp(self, question: Question) -> Body:
        asking = ask(question, edns=self._edns, mixed_case=self._mixed_case)
        packet = await _exchange_udp(self.endpoint, asking)
        if packet is None or asking.is_truncated(packet):
            return await self._by_stream(question)
        try:
            return asking.read(packet)
        except OtherCaseError:
            return await self._by_stream(question)

    async def _by_stream(self, question: Question) -> Body:
        """Ask by TCP or TLS. A stream is not spoofed blindly: another letter case is this upstream's way."""
        asking = ask(question, edns=self._edns, mixed_case=self._mixed_case)
        packet = await self._stream.ask(asking)
        try:
            return asking.read(packet)
        except OtherCaseError:
            self._mixed_case = False
            return await self._by_stream(question)

    def _failed(self) -> None:
        self._failures += 1
        self._shunned_until = self._now() + min(2.0**self._failures, 30.0)

    def _answered(self, seconds: float) -> None:
        self._failures = 0
        self._shunned_until = 0.0
        self.rtt = 0.8 * self.rtt + 0.2 * seconds if self.rtt else seconds

    def retire(self) -> None:
        """Let kept connections end when what they carry is answered."""
        self._stream.retire()

    async def close(self) -> None:
        """End kept connections."""
        await self._stream.close()


async def _exchange_udp(endpoint: Endpoint, asking: Asking) -> bytes | None:
    """Send and wait for the answer; None when so many strays came that it is better asked by TCP."""
    loop = asyncio.get_running_loop()
    found = socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    )
    family, kind, number, _, address = found[0]
    with socket.socket(family, kind, number) as sock:
        sock.setblocking(False)
        sock.connect(address)
        sock.send(asking.packet)
        for _ in range(_MAX_STRAYS):
            packet = await loop.sock_recv(sock, _MAX_UDP)
            if asking.belongs(packet):
                return packet
    return None
