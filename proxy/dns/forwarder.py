"""Find one answer among several upstreams: their order, retries, and that equal questions are asked once.

Never longer than `TOTAL` seconds: whatever happens, the caller gets a body, at worst SERVFAIL that says why. Where
every upstream is down, one short try is all that a question gets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Literal

from proxy.dns.answers import Body, ExtendedError, empty
from proxy.dns.bootstrap import Bootstrap, by_address_only
from proxy.dns.cache import AnswerCache
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.codes import Rcode
from proxy.dns.deadlines import Deadline, Deadlines
from proxy.dns.endpoint import Endpoint
from proxy.dns.exchange import Question
from proxy.dns.failures import RecentFailures
from proxy.dns.tries import Tries
from proxy.dns.upstream import Sent, Upstream, UpstreamError

log = logging.getLogger(__name__)

TOTAL = 4.5  # seconds
ROUNDS = (0.8, 1.2, 1.8)  # seconds that one upstream gets, round after round
MAX_IN_FLIGHT = 2048
_MAX_UPSTREAMS = 16
_TOGETHER = 4  # upstreams that are asked at the same time
_LOOK_AROUND = 32  # every so many questions another upstream is tried first: a slow one may have become quick
_GIVEN_UP = empty(Rcode.SERVFAIL, ExtendedError(Code.NOT_READY, "the question was given up"))
type Strategy = Literal["strict", "fastest", "parallel"]


class _Begun:
    """Hold a question that is on its way to the first upstream without a task."""

    __slots__ = ("deadline", "give_up", "question", "upstreams")

    def __init__(self, question: Question, upstreams: list[Upstream]) -> None:
        self.question = question
        self.upstreams = upstreams
        self.deadline: Deadline | None = None
        self.give_up: Callable[[], None] | None = None


class Forwarder:
    """Ask upstreams; `cache` keeps what they answer.

    `endpoints` gives those of the moment, first choice first, in the same tuple until they change.

    `strict` keeps to that order, `fastest` to how quickly they have answered, `parallel` asks four at a time. One that
    failed lately comes last in each.
    """

    def __init__(
        self,
        endpoints: Callable[[], tuple[Endpoint, ...]],
        cache: AnswerCache,
        now: Callable[[], float],
        strategy: Strategy = "strict",
        bootstrap: Bootstrap | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._cache = cache
        self._now = now
        self._strategy = strategy
        self._bootstrap = bootstrap or by_address_only(now)
        self._asked = 0
        self._upstreams: dict[Endpoint, Upstream] = {}
        self._listed: tuple[Endpoint, ...] | None = None
        self._in_flight: dict[bytes, list[Callable[[Body], None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._deadlines = Deadlines(ROUNDS[0])
        self._failures = RecentFailures()

    async def ask(self, question: Question) -> Body:
        """Return an answer, or a SERVFAIL with an extended error. Equal questions share one asking, and one failure.

        One who stops waiting does not stop the others.
        """
        answer: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        self.begin(question, lambda body: None if answer.done() else answer.set_result(body))
        return await answer

    def begin(self, question: Question, done: Callable[[Body], None]) -> None:
        """Call `done` once with what `ask` would return: at once, or later; without a task for what is plain."""
        identity = question.identity
        failed = self._failures.of(identity, self._now())
        waiting = self._in_flight.get(identity)
        if failed is not None:
            done(failed)
        elif waiting is not None:
            waiting.append(done)
        elif len(self._in_flight) >= MAX_IN_FLIGHT:
            done(empty(Rcode.SERVFAIL, ExtendedError(Code.NOT_READY, "too many questions at once")))
        else:
            self._in_flight[identity] = [done]
            self._start(question)

    def refresh(self, question: Question) -> None:
        """Ask without anybody waiting, when there is room for it."""
        if question.identity not in self._in_flight and len(self._in_flight) < MAX_IN_FLIGHT // 2:
            self._in_flight[question.identity] = []
            self._start(question)

    def _start(self, question: Question) -> None:
        """Ask the first upstream without a task, where it alone comes first, is well and is asked by UDP."""
        upstreams = self._in_order()
        first = upstreams[0] if upstreams and (len(upstreams) == 1 or self._strategy != "parallel") else None
        if first is None or not first.by_udp or not first.is_well:
            self._go_on(question, upstreams)
            return
        one = _Begun(question, upstreams)
        try:
            give_up = first.begin(question, partial(self._came, one))
        except OSError:  # asked once more by the task, which tells of it
            self._go_on(question, upstreams)
            return
        one.give_up = give_up
        one.deadline = self._deadlines.add(partial(self._late, one))

    def _came(self, one: _Begun, sent: Sent) -> None:
        if one.deadline is not None:
            one.deadline.call_off()
        tries = Tries(one.question)
        try:
            body = one.upstreams[0].settle(sent)
        except UpstreamError as problem:
            tries.failed(problem)
        else:
            if body is None:
                self._go_on(one.question, one.upstreams, tries, sent)
                return
            if tries.took(body):
                self._finish(one.question, body)
                return
        self._go_on(one.question, one.upstreams, tries)

    def _late(self, one: _Begun) -> None:
        if one.give_up is not None:
            one.give_up()
        tries = Tries(one.question)
        tries.failed(one.upstreams[0].gave_up())
        self._go_on(one.question, one.upstreams, tries)

    def _go_on(
        self, question: Question, upstreams: list[Upstream], tries: Tries | None = None, sent: Sent | None = None
    ) -> None:
        """Ask on in a task. With `tries` the first upstream has had its turn; `sent` is what is left to be read."""
        task = asyncio.create_task(self._ask_on(question, upstreams, tries, sent))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_on(
        self, question: Question, upstreams: list[Upstream], tries: Tries | None, sent: Sent | None
    ) -> None:
        body = _GIVEN_UP
        try:
            body = await self._ask(question, upstreams, tries, sent)
        finally:
            self._finish(question, body)

    def _finish(self, question: Question, body: Body) -> None:
        identity = question.identity
        self._cache.put(identity, body, self._now())
        if body.rcode == Rcode.SERVFAIL:
            self._failures.note(identity, body, self._now())
        else:
            self._failures.forget(identity)
        for done in self._in_flight.pop(identity, ()):
            try:
                done(body)
            except Exception:
                log.exception("an answer could not be handed on")

    async def _ask(
        self, question: Question, upstreams: list[Upstream], before: Tries | None, sent: Sent | None
    ) -> Body:
        if not upstreams:
            why = "no upstream is known: set dns.upstreams"
            return empty(Rcode.SERVFAIL, ExtendedError(Code.NO_REACHABLE_AUTHORITY, why))
        tries = before or Tries(question)
        try:
            async with asyncio.timeout(TOTAL if before is None else TOTAL - ROUNDS[0]):
                if sent is not None and await tries.go_on(upstreams[0], sent, ROUNDS[0]):
                    return tries.result()
                for at, seconds in enumerate(ROUNDS if _any_up(upstreams) else ROUNDS[:1]):
                    groups = self._grouped(upstreams)
                    for together in groups[1:] if at == 0 and before is not None else groups:
                        if await tries.ask(together, seconds):
                            return tries.result()
                    if tries.poor is not None:
                        break  # somebody answered: asking again would bring the same
        except TimeoutError:
            pass
        return tries.result()

    def _in_order(self) -> list[Upstream]:
        listed = self._endpoints()
        if listed is not self._listed:
            self._listed = listed
            self._follow(listed)
        found = list(self._upstreams.values())
        if len(found) < 2:
            return found
        if self._strategy == "fastest":
            found.sort(key=lambda upstream: upstream.rtt)
            self._asked += 1
            if self._asked % _LOOK_AROUND == 0:
                found.insert(0, found.pop(self._asked // _LOOK_AROUND % len(found)))
        return sorted(found, key=lambda upstream: not upstream.is_well)

    def _follow(self, listed: tuple[Endpoint, ...]) -> None:
        """Keep what is known of upstreams that are still there, and let go of the others."""
        known = self._upstreams
        wanted = listed[:_MAX_UPSTREAMS]
        self._upstreams = {where: known.get(where) or Upstream(where, self._now, self._bootstrap) for where in wanted}
        for where in known.keys() - self._upstreams.keys():
            known[where].retire()

    def _grouped(self, upstreams: list[Upstream]) -> list[list[Upstream]]:
        """Return those that are asked at the same time, group after group."""
        size = _TOGETHER if self._strategy == "parallel" else 1
        return [upstreams[at : at + size] for at in range(0, len(upstreams), size)]

    async def close(self) -> None:
        """Give up what is being asked, and end kept connections."""
        self._deadlines.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for upstream in self._upstreams.values():
            await upstream.close()
        waiting, self._in_flight = self._in_flight, {}
        for done in (one for some in waiting.values() for one in some):
            done(_GIVEN_UP)


def _any_up(upstreams: Iterable[Upstream]) -> bool:
    return any(not upstream.is_down for upstream in upstreams)
