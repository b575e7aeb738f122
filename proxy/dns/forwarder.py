"""Find one answer among several upstreams: their order, retries, and that equal questions are asked once.

Never longer than `TOTAL` seconds: whatever happens, the caller gets a body, at worst SERVFAIL that says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal

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
_TOGETHER = 4  # upstreams that are asked at the same time
_LOOK_AROUND = 32  # every so many questions another upstream is tried first: a slow one may have become quick
type Strategy = Literal["strict", "fastest", "parallel"]
_POOR = frozenset((Rcode.SERVFAIL, Rcode.REFUSED, Rcode.NOTIMP, Rcode.FORMERR))


class Forwarder:
    """Ask upstreams. `endpoints` gives those of the moment, first choice first; `cache` keeps what they answer.

    `strict` keeps to that order, `fastest` to how quickly they have answered, `parallel` asks four at a time. One that
    failed lately comes last in each.
    """

    def __init__(
        self,
        endpoints: Callable[[], Iterable[Endpoint]],
        cache: AnswerCache,
        now: Callable[[], float],
        strategy: Strategy = "strict",
    ) -> None:
        self._endpoints = endpoints
        self._cache = cache
        self._now = now
        self._strategy = strategy
        self._asked = 0
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
                    for together in self._grouped(upstreams):
                        if await tries.ask(together, seconds):
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
        found = list(self._upstreams.values())
        if self._strategy == "fastest" and found:
            found.sort(key=lambda upstream: upstream.rtt)
            self._asked += 1
            if self._asked % _LOOK_AROUND == 0:
                found.insert(0, found.pop(self._asked // _LOOK_AROUND % len(found)))
        return sorted(found, key=lambda upstream: not upstream.is_well)

    def _grouped(self, upstreams: list[Upstream]) -> list[list[Upstream]]:
        """Return those that are asked at the same time, group after group."""
        size = _TOGETHER if self._strategy == "parallel" else 1
        return [upstreams[at : at + size] for at in range(0, len(upstreams), size)]

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

    async def ask(self, upstreams: list[Upstream], seconds: float) -> bool:
        """Ask upstreams at the same time, and say whether one gave a good answer; the others are then given up."""
        if len(upstreams) == 1:
            return await self._ask(upstreams[0], seconds)
        asking = {asyncio.create_task(self._ask(upstream, seconds)) for upstream in upstreams}
        try:
            while asking:
                done, asking = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                if any(task.result() for task in done):
                    return True
            return False
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, upstream: Upstream, seconds: float) -> bool:
        try:
            body = await upstream.ask(self._question, seconds)
        except UpstreamError as problem:
            self._problem = problem
            return False
        if body.rcode in _POOR:
            self.poor = self.poor or body
            return False
        self._good = self._good or body
        return True

    def result(self) -> Body:
        """Return the best answer there is; a failure when there is none."""
        best = self._good or self.poor
        if best is not None:
            return best
        if self._problem and not self._problem.timed_out:
            return empty(Rcode.SERVFAIL, ExtendedError(Code.NETWORK_ERROR, "an upstream could not be used"))
        return empty(Rcode.SERVFAIL, ExtendedError(Code.NO_REACHABLE_AUTHORITY, "no upstream answered in time"))
