"""One packet from one client in, one packet back: read it, send it through the chain, put the answer together.

Whatever the bytes, the caller gets a reply or None (silence), never an exception.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from indicators.words import Visibility
from proxy.dns.answers import Body, ExtendedError, bad_version, bare_error, empty, reply, udp_limit
from proxy.dns.asked import Asked, Outcome
from proxy.dns.clients import Client
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.codes import Rcode
from proxy.dns.cookies import BadCookieError, Cookies
from proxy.dns.question import BadQueryError, Query, read_query
from proxy.dns.ready import JUDGED_FOR, Ready, ReadyAnswers
from proxy.dns.resolver import Resolver

log = logging.getLogger(__name__)

_FOREIGN = empty(Rcode.REFUSED, ExtendedError(Code.PROHIBITED, "dns.allow_clients does not hold your address"))


class Came(NamedTuple):
    """Tell how a packet came: over UDP replies have a size limit and may be kept ready."""

    client: Client
    now: float
    udp: bool = False
    reach: Visibility = Visibility.DNS
    cookie: bytes = b""  # for the reply


class Waits(NamedTuple):
    """Hold a query that an upstream must be asked for: `Responder.begin` or `wait` goes on with it."""

    packet: bytes
    asked: Asked
    came: Came


class Responder:
    """Answer packets. `ready` gets what may be answered again without reading the packet, `learn` is shown blocks."""

    def __init__(
        self,
        resolver: Resolver,
        ready: ReadyAnswers,
        clock: Callable[[], float],
        learn: Callable[[bytes, Query, Came, Outcome, bytes], None] | None = None,
    ) -> None:
        self._resolver = resolver
        self._ready = ready
        self._learn = learn
        self._clock = clock
        self._cookies = Cookies()

    def take(self, packet: bytes, came: Came) -> bytes | Waits | None:
        """Return the reply, None for silence, or what is to be waited for."""
        try:
            query = read_query(packet)
        except BadQueryError as problem:
            known = came.client.allowed and problem.rcode is not None
            return bare_error(packet, problem.rcode) if known and problem.rcode is not None else None
        if not came.client.allowed:
            return reply(query, _FOREIGN)
        if query.edns and query.edns.version:
            return bad_version(query)
        try:
            cookie = self._cookies.answer(query.edns, came.client.device.address, came.now)
        except BadCookieError:
            return bare_error(packet, Rcode.FORMERR)
        return self._answer(packet, query, came._replace(cookie=cookie) if cookie else came)

    async def answer(self, packet: bytes, came: Came) -> bytes | None:
        """Return the reply, or None for silence, when it is there."""
        found = self.take(packet, came)
        return await self.wait(found) if isinstance(found, Waits) else found

    def _answer(self, packet: bytes, query: Query, came: Came) -> bytes | Waits:
        asked = Asked(query, came.client, came.now, came.reach)
        try:
            outcome = self._resolver.at_once(asked)
        except Exception:
            log.exception("a question for %s failed", query.host)
            return reply(query, empty(Rcode.SERVFAIL, ExtendedError(Code.OTHER)))
        if outcome is None:
            return Waits(packet, asked, came)
        return self._finish(packet, query, outcome, came)

    def begin(self, what: Waits, send: Callable[[bytes], None]) -> bool:
        """Have an upstream asked without a task; `send` is called once with the reply, at once or later.

        Say no, and do nothing, where it takes `wait`.
        """
        return self._resolver.begin(what.asked, lambda body: send(self._came(what, body)))

    def _came(self, what: Waits, body: Body) -> bytes:
        try:
            outcome = self._resolver.judged(what.asked, body)
        except Exception:
            outcome = _failed(what)
        return self._finish(what.packet, what.asked.query, outcome, what.came._replace(now=self._clock()))

    async def wait(self, what: Waits) -> bytes:
        """Return the reply when it is there."""
        try:
            outcome = await self._resolver.later(what.asked)
        except Exception:
            outcome = _failed(what)
        return self._finish(what.packet, what.asked.query, outcome, what.came._replace(now=self._clock()))

    def _finish(self, packet: bytes, query: Query, outcome: Outcome, came: Came) -> bytes:
        limit = udp_limit(query) if came.udp else 65_535
        done = reply(query, outcome.body, age=outcome.age, error=outcome.error, limit=limit, cookie=came.cookie)
        if came.udp and outcome.holds > 0:
            holds = outcome.holds if outcome.verdict is not None else min(outcome.holds, JUDGED_FOR)
            until = came.now + holds
            ttls = tuple((at, max(ttl - outcome.age, 0)) for at, ttl in outcome.body.ttls)
            ready = Ready.of(done, came.now, until, ttls if outcome.counts_down else (), outcome.sighting)
            self._ready.put(came.client.tag, packet, ready)
            if self._learn and outcome.by_name:
                self._learn(packet, query, came, outcome, done)
        return done


def _failed(what: Waits) -> Outcome:
    """Log the exception that is being handled, and answer that something is wrong here."""
    log.exception("a question for %s failed", what.asked.query.host)
    return Outcome(empty(Rcode.SERVFAIL, ExtendedError(Code.OTHER)))
