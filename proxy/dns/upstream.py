"""Ask one upstream: by UDP, by TCP when the answer is cut off or its letter case is doubtful, by TLS or HTTPS.

Which sockets UDP questions leave by stands in `sockets.py`. A question may be begun without a task (`begin`, `settle`);
what then is no plain answer goes on as one that was awaited (`ask`). Foreign errors end here, as `UpstreamError`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from proxy.dns.answers import Body
from proxy.dns.bootstrap import Bootstrap
from proxy.dns.endpoint import Endpoint
from proxy.dns.exchange import Asking, NoEdnsError, OtherCaseError, Question, ask
from proxy.dns.https_upstream import HttpsUpstream
from proxy.dns.records import BadReplyError
from proxy.dns.sockets import Came, UpstreamSockets
from proxy.dns.stream import StreamUpstream
from proxy.dns.upstream_cookies import UpstreamCookies, is_bad_cookie


class UpstreamError(OSError):
    """Say why an upstream gave no usable answer; `timed_out` when it gave none at all."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


_DOWN = 4  # failures without an answer between them


class Sent(NamedTuple):
    """Hold what became of a question that was sent by UDP, and when it was sent."""

    asking: Asking
    came: Came
    at: float  # seconds


class Upstream:
    """Remember how one upstream is to be asked, and how it has been doing."""

    def __init__(self, endpoint: Endpoint, now: Callable[[], float], bootstrap: Bootstrap) -> None:
        self.endpoint = endpoint
        self._now = now
        self._encrypted = endpoint.scheme in ("tls", "https")
        self._stream = _stream(endpoint, bootstrap)
        self._cookies = UpstreamCookies()
        self._sockets = UpstreamSockets(endpoint)
        self._edns = True
        self._mixed_case = True
        self._failures = 0
        self._shunned_until = 0.0
        self.rtt = 0.0  # seconds, smoothed; 0 until measured

    @property
    def is_well(self) -> bool:
        """Say whether it may be asked among the first: it has not failed lately."""
        return self._now() >= self._shunned_until

    @property
    def is_down(self) -> bool:
        """Say whether it failed again and again of late, more often than lost packets explain."""
        return self._failures >= _DOWN and not self.is_well

    @property
    def by_udp(self) -> bool:
        """Say whether questions may be begun here."""
        return self.endpoint.scheme == "udp"

    def begin(self, question: Question, done: Callable[[Sent], None]) -> Callable[[], None]:
        """Send a question by UDP; return how to give it up. `done` is called once, later. Raises OSError."""
        cookies = self._cookies
        asking = ask(question, edns=self._edns, mixed_case=self._mixed_case, cookie=cookies.option)
        sent_at = self._now()
        waiting = self._sockets.ask(asking, cookies.fits, lambda came: done(Sent(asking, came, sent_at)))
        return partial(self._sockets.give_up, waiting)

    def settle(self, sent: Sent) -> Body | None:
        """Return the answer to a question that was begun; None where it takes more than one packet to tell.

        Raises UpstreamError.
        """
        packet, asking = sent.came, sent.asking
        if isinstance(packet, OSError):
            raise self._broken(packet)
        if packet is None or asking.is_truncated(packet) or is_bad_cookie(packet, len(asking.question)):
            return None
        try:
            body = asking.read(packet)
        except (OtherCaseError, NoEdnsError):
            return None
        except BadReplyError as problem:
            raise self._broken(problem) from problem
        self._cookies.learn(packet)
        self._answered(self._now() - sent.at)
        return body

    def gave_up(self) -> UpstreamError:
        """Take note that no answer came in time; return that as an error."""
        self._failed()
        self._cookies.forget()
        return UpstreamError(f"{self.endpoint} did not answer", timed_out=True)

    def _broken(self, problem: Exception) -> UpstreamError:
        self._failed()
        return UpstreamError(f"{self.endpoint}: {problem}")

    async def ask(self, question: Question, within: float, sent: Sent | None = None) -> Body:
        """Return the answer, going on from a packet that `settle` could make nothing of, where one is given.

        Raises UpstreamError after `within` seconds at the latest.
        """
        start = self._now()
        try:
            async with asyncio.timeout(within):
                body = await self._ask(question, sent)
        except TimeoutError:
            raise self.gave_up() from None
        except (BadReplyError, OSError) as problem:
            raise self._broken(problem) from problem
        self._answered(self._now() - start)
        return body

    async def _ask(self, question: Question, sent: Sent | None) -> Body:
        try:
            return await (self._by_udp(question, sent) if self.by_udp else self._by_stream(question))
        except NoEdnsError:
            self._edns = False
            return await (self._by_udp(question) if self.by_udp else self._by_stream(question))

    async def _by_udp(self, question: Question, sent: Sent | None = None) -> Body:
        packet, asking = self._learned(sent) if sent else await self._over_udp(question)
        if packet is not None and is_bad_cookie(packet, len(asking.question)):
            packet, asking = await self._over_udp(question)
        if packet is None or asking.is_truncated(packet) or is_bad_cookie(packet, len(asking.question)):
            return await self._by_stream(question)
        try:
            return asking.read(packet)
        except OtherCaseError:
            return await self._by_stream(question)

    async def _over_udp(self, question: Question) -> tuple[bytes | None, Asking]:
        arrived: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        give_up = self.begin(question, lambda sent: None if arrived.done() else arrived.set_result(sent))
        try:
            return self._learned(await arrived)
        finally:
            give_up()

    def _learned(self, sent: Sent) -> tuple[bytes | None, Asking]:
        """Take the server's cookie out of what came, and return that. Raises OSError where it is one."""
        if isinstance(sent.came, OSError):
            raise sent.came
        if sent.came is not None:
            self._cookies.learn(sent.came)
        return sent.came, sent.asking

    async def _by_stream(self, question: Question) -> Body:
        """Ask by TCP, TLS or HTTPS. A stream is not spoofed blindly: another letter case is this upstream's way."""
        asking = ask(question, edns=self._edns, mixed_case=self._mixed_case, pad=self._encrypted)
        packet = await self._stream.ask(asking)
        try:
            return asking.read(packet)
        except OtherCaseError:
            self._mixed_case = False
            return await self._by_stream(question)

    def _failed(self) -> None:
        self._failures += 1
        self._shunned_until = self._now() + min(2.0 ** min(self._failures, 5), 30.0)

    def _answered(self, seconds: float) -> None:
        self._failures = 0
        self._shunned_until = 0.0
        self.rtt = 0.8 * self.rtt + 0.2 * seconds if self.rtt else seconds

    def retire(self) -> None:
        """Let kept connections end when what they carry is answered."""
        self._sockets.retire()
        self._stream.retire()

    async def close(self) -> None:
        """End kept connections."""
        self._sockets.close()
        await self._stream.close()


def _stream(endpoint: Endpoint, bootstrap: Bootstrap) -> StreamUpstream | HttpsUpstream:
    """Return the stream that suits; a default TLS context checks chain and name."""
    if endpoint.scheme == "https":
        return HttpsUpstream(endpoint, ssl.create_default_context(), bootstrap)
    return StreamUpstream(endpoint, ssl.create_default_context() if endpoint.scheme == "tls" else None, bootstrap)
