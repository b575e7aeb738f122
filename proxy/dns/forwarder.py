"""Find one answer among several upstreams: their order, retries, and that equal questions are asked once.

Never longer than `TOTAL` seconds: whatever happens, the caller gets a body, at worst SERVFAIL that says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from proxy.dns.answers import Body, ExtendedError, empty
from proxy.dns.cache import AnswerCache
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.codes import Rcode
from proxy.dns.endpoint import Endpoint
from proxy.dns.exchange import Question
from proxy.dns.upstream import Upstream, UpstreamError

TOTAL = 4.5  # seconds
ROUNDS = (0.8, 1.2, 1.8)  # seconds that one upstream gets, round after round
MAX_IN_FLIGHT = 2048
_MAX_UPSTREAMS = 16
_POOR = frozenset((Rcode.SERVFAIL, Rcode.REFUSED, Rcode.NOTIMP, Rcode.FORMERR))


class Forwarder:
    """Ask upstreams. `endpoints` gives those of the moment, first choice first; `cache` keeps what they answer."""

    def __init__(
        self, endpoints: Callable[[], Iterable[Endpoint]], cache: AnswerCache, now: Callable[[], float]
    ) -> None:
        self._endpoints = endpoints
        self._cache = cache
        self._now = now
        self._upstreams: dict[Endpoint, Upstream] = {}
        self._in_flight: dict[bytes, asyncio.Task[Body]] = {}

    async def ask(self, question: Question) -> Body:
        """Return an answer, or a SERVFAIL with an extended error. Equal questions share one asking.

        One who stops waiting does not stop the others.
        """
        task = self._in_flight.get(question.identity)
        if task is None:
            if len(self._in_flight) >= MAX_IN_FLIGHT:
                return empty(Rcode.SERVFAIL, ExtendedError(Code.NOT_READY, "too many questions at once"))
            task = self._start(question)
        return await asyncio.shield(task)

    def refresh(self, question: Question) -> None:
        """Ask without anybody waiting, when there is room for it."""
        if question.identity not in self._in_flight and len(self._in_flight) < MAX_IN_FLIGHT // 2:
            self._start(question)

    def _start(self, question: Question) -> asyncio.Task[Body]:
        task = asyncio.create_task(self._ask_and_keep(question))
        self._in_flight[question.identity] = task
        task.add_done_callback(lambda _: self._in_flight.pop(question.identity, None))
        return task

    async def _ask_and_keep(self, question: Question) -> Body:
        body = await self._ask(question)
        self._cache.put(question.identity, body, self._now())
        return body

    async def _ask(self, question: Question) -> Body:
        upstreams = self._in_order()
        if not upstreams:
            why = "no upstream is known: set dns.upstreams"
            return empty(Rcode.SERVFAIL, ExtendedError(Code.NO_REACHABLE_AUTHORITY, why))
        tries = _Tries(question)
        try:
            async with asyncio.timeout(TOTAL):
                for seconds in ROUNDS:
                    for upstream in upstreams:
                        if await tries.ask(upstream, seconds):
                            return tries.result()
                    if tries.poor is not None:
                        break  # somebody answered: asking again would bring the same
        except TimeoutError:
            pass
        return tries.result()

    def _in_order(self) -> list[Upstream]:
        known = self._upstreams
        wanted = tuple(self._endpoints())[:_MAX_UPSTREAMS]
        self._upstreams = {where: known.get(where) or Upstream(where, self._now) for where in wanted}
        for where in known.keys() - self._upstreams.keys():
            known[where].retire()
        return sorted(self._upstreams.values(), key=lambda upstream: not upstream.is_well)

    async def close(self) -> None:
        """Give up what is being asked, and end kept connections."""
        tasks = list(self._in_flight.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for upstream in self._upstreams.values():
            await upstream.close()


class _Tries:
    """Collect what upstreams said to one question."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._good: Body | None = None
        self._problem: UpstreamError | None = None
        self.poor: Body | None = None

    async def ask(self, upstream: Upstream, seconds: float) -> bool:
        """Ask one upstream, and say whether its answer is good."""
        try:
            body = await upstream.ask(self._question, seconds)
        except UpstreamError as problem:
            self._problem = problem
            return False
        if body.rcode in _POOR:
            self.poor = self.poor or body
            return False
        self._good = body
        return True

    def result(self) -> Body:
        """Return the best answer there is; a failure when there is none."""
        best = self._good or self.poor
        if best is not None:
            return best
        if self._problem and not self._problem.timed_out:
            return empty(Rcode.SERVFAIL, ExtendedError(Code.NETWORK_ERROR, "an upstream could not be used"))
        return empty(Rcode.SERVFAIL, ExtendedError(Code.NO_REACHABLE_AUTHORITY, "no upstream answered in time"))
