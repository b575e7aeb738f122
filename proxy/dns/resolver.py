"""The resolver: the chain that every question goes through, in order, whoever asks.

Steps up to the cache answer at once; only a question that none of them answers waits for an upstream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from proxy.dns import composed
from proxy.dns.answers import Body, ExtendedError, empty
from proxy.dns.asked import Asked, Outcome
from proxy.dns.cache import AnswerCache, Kept
from proxy.dns.codes import CD, IN, Rcode, Type
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.exchange import Question
from proxy.dns.given import GivenNames
from proxy.dns.judge import Judge
from proxy.dns.own_names import StaticHosts, reserved
from proxy.dns.routes import Routes

_META_TYPES = frozenset((0, Type.OPT, *range(249, 255)))  # RFC 6895 section 3.1: TKEY, TSIG, transfers, mail
_STALE_AFTER = 1.8  # seconds for upstreams, before a stale answer stands in (RFC 8767 section 5)
_STALE_TTL = 30  # seconds
_PREFETCH_AT = 0.9  # of a lifetime
_PREFETCH_FROM = 20  # seconds; shorter lives are not worth it

type Step = Callable[[Asked], Outcome | None]
type Change = Callable[[Asked, Body], tuple[Body, ExtendedError] | None]


class Resolver:
    """Answer questions.

    `steps` may answer a name before an upstream is asked; `changes` may put another body in the place of one that
    was judged, with the error that says so. `given` takes note of which client got which addresses.
    """

    def __init__(
        self,
        judge: Judge,
        static: StaticHosts,
        cache: AnswerCache,
        routes: Routes,
        steps: Sequence[Step] = (),
        changes: Sequence[Change] = (),
        *,
        given: GivenNames | None = None,
    ) -> None:
        self._judge = judge
        self._static = static
        self._cache = cache
        self._routes = routes
        self._changes = tuple(changes)
        self._given = given
        self._chain: tuple[Step, ...] = (
            _refuse_what_we_do_not_serve,
            reserved,
            judge.question,
            self._fixed,
            *steps,
            self._kept,
        )

    def at_once(self, asked: Asked) -> Outcome | None:
        """Return what can be answered without waiting."""
        for step in self._chain:
            outcome = step(asked)
            if outcome is not None:
                return outcome
        return None

    def begin(self, asked: Asked, done: Callable[[Body], None]) -> bool:
        """Have an upstream asked without a task, and its answer handed to `done`, for `judged`; at once, or later.

        Say no, and do nothing, where a stale answer is at hand: that takes `later`.
        """
        question = _question(asked)
        if self._cache.get(question.identity, asked.now) is not None:
            return False
        self._routes.of(asked.query.host).begin(question, done)
        return True

    def judged(self, asked: Asked, body: Body) -> Outcome:
        """Return what an upstream's answer comes to, once it is judged."""
        return self._judged(asked, body)

    async def later(self, asked: Asked) -> Outcome:
        """Answer what `at_once` could not: from an upstream, then judged; never later than five seconds."""
        question = _question(asked)
        kept = self._cache.get(question.identity, asked.now)
        forwarder = self._routes.of(asked.query.host)
        if kept is None:
            return self._judged(asked, await forwarder.ask(question))
        try:
            async with asyncio.timeout(_STALE_AFTER):
                body = await forwarder.ask(question)
        except TimeoutError:
            return self._stale(asked, kept)
        return self._stale(asked, kept) if body.rcode == Rcode.SERVFAIL else self._judged(asked, body)

    async def resolve(self, asked: Asked) -> Outcome:
        """Answer at once or later."""
        outcome = self.at_once(asked)
        return outcome if outcome is not None else await self.later(asked)

    def _fixed(self, asked: Asked) -> Outcome | None:
        body = self._static.body(asked)
        if body is None:
            return None
        stopped = self._judge.answer(asked, body)
        if stopped is not None:
            return stopped
        self._note(asked, body)
        return Outcome(body, holds=composed.BLOCK_TTL, sighting=asked.sighting)

    def _kept(self, asked: Asked) -> Outcome | None:
        question = _question(asked)
        kept = self._cache.get(question.identity, asked.now)
        if kept is None or kept.stale:
            return None
        lifetime = kept.body.lifetime
        due = lifetime * _PREFETCH_AT if lifetime >= _PREFETCH_FROM else lifetime
        if kept.age >= due:
            self._routes.of(asked.query.host).refresh(question)
            due = lifetime
        return self._judged(asked, kept.body, kept.age, max(due - kept.age, 0.0))

    def _judged(
        self, asked: Asked, body: Body, age: int = 0, holds: float = 0.0, error: ExtendedError | None = None
    ) -> Outcome:
        stopped = self._judge.answer(asked, body)
        if stopped is not None:
            return stopped
        for change in self._changes:
            changed = change(asked, body)
            if changed is not None:
                body, error = changed
        self._note(asked, body)
        return Outcome(body, age, holds, counts_down=True, error=error, sighting=asked.sighting)

    def _note(self, asked: Asked, body: Body) -> None:
        """Take note of what a client was told; an inspector that asks knows the name itself."""
        if self._given is not None and not asked.told and body.evidence.addresses:
            self._given.note(asked.client.device, asked.query.host, body.evidence.addresses, body.lifetime)

    def _stale(self, asked: Asked, kept: Kept) -> Outcome:
        code = Code.STALE_NXDOMAIN if kept.body.rcode == Rcode.NXDOMAIN else Code.STALE_ANSWER
        return self._judged(asked, kept.body.with_ttl(_STALE_TTL), error=ExtendedError(code))


def _question(asked: Asked) -> Question:
    if asked.question is None:
        query = asked.query
        asked.question = Question(query.key, bool(query.edns and query.edns.do), bool(query.flags & CD))
    return asked.question


def _refuse_what_we_do_not_serve(asked: Asked) -> Outcome | None:
    query = asked.query
    if query.qclass != IN or query.qtype in _META_TYPES:
        return Outcome(empty(Rcode.REFUSED, ExtendedError(Code.NOT_SUPPORTED)))
    if query.qtype == Type.ANY:
        return Outcome(composed.minimal_any())
    return None
