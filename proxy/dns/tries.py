"""What upstreams said to one question: the good answer, the best of the poor ones, or why there is none."""

from __future__ import annotations

import asyncio

from proxy.dns.answers import Body, ExtendedError, empty
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.codes import Rcode
from proxy.dns.exchange import Question
from proxy.dns.upstream import Sent, Upstream, UpstreamError

_POOR = frozenset((Rcode.SERVFAIL, Rcode.REFUSED, Rcode.NOTIMP, Rcode.FORMERR))


class Tries:
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
            return self.took(await upstream.ask(self._question, seconds))
        except UpstreamError as problem:
            self.failed(problem)
            return False

    async def go_on(self, upstream: Upstream, sent: Sent, seconds: float) -> bool:
        """Go on from a packet that did not tell enough, and say whether a good answer came."""
        try:
            return self.took(await upstream.ask(self._question, seconds, sent))
        except UpstreamError as problem:
            self.failed(problem)
            return False

    def failed(self, problem: UpstreamError) -> None:
        """Take note of why an upstream gave none."""
        self._problem = problem

    def took(self, body: Body) -> bool:
        """Take note of an answer, and say whether it is a good one."""
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
