"""Carry a verdict out: pages, plain refusals and what passes, each reported before the client sees the last byte.

What is to be done was decided before; here it is done, in the words of `Enforcement`.
"""

from __future__ import annotations

import hmac
import logging
from collections import OrderedDict
from dataclasses import replace

from mitmproxy import http

from addons import notice, pages, waivers
from addons.notice import Notice
from addons.services import Services
from addons.visits import Judgement, Visit
from indicators.hosts import canonical_host
from indicators.observation import Observation
from indicators.words import Action, Enforcement, Stage

ASK_PATH = "/.seawall/ask"
ASK_KEY = b"seawall ask 1"
"""What the key of *ask for access* forms is derived by: a form that asks is none by which a person continues."""
OURS = "seawall_ours"  # in a flow's metadata: the gateway itself answers, nothing is judged or sent on
_WINDOW = 60.0  # seconds in which the same enforcement is counted, not told anew
_REMEMBERED = 4096
_REFUSED = b"Blocked by Seawall: this could not be judged, and the policy is to stop what cannot be judged.\n"

log = logging.getLogger(__name__)


class Enforcer:
    """Enforce verdicts and report them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._recent: OrderedDict[tuple[str, ...], tuple[str, float]] = OrderedDict()

    def page(self, flow: http.HTTPFlow, visit: Visit, judged: Judgement) -> None:
        """Answer a request with the block or warn page, or its JSON."""
        visit.settled = True
        incident = self._report(judged, Enforcement.PAGE)
        said = notice.of_verdict(judged.seen, judged.verdict, incident)
        if judged.verdict.action is Action.WARN and judged.verdict.winner is not None:
            token = self._token(flow.request, judged, incident, self._services.waiver_key)
            said = replace(said, token=token, form=waivers.PATH, waived_for=notice.duration(self._services.waived_for))
        answer(
            flow,
            pages.respond(self._complete(said, flow.request, judged), flow.request),
            last=visit.stopped is not None,
        )

    def refuse_connect(self, flow: http.HTTPFlow, visit: Visit, judged: Judgement) -> None:
        """Answer CONNECT with a plain 403."""
        incident = self.reset(visit, judged)
        answer(flow, pages.short(notice.of_verdict(judged.seen, judged.verdict, incident)))

    def reset(self, visit: Visit, judged: Judgement) -> str:
        """Report that a connection was ended without a page; ending it is the caller's part. Return the incident."""
        visit.settled = True
        return self._report(judged, Enforcement.RESET)

    def passed(self, visit: Visit, judged: Judgement) -> None:
        """Report what passes although something was met, once a connection for each destination and indicator.

        What passes with nothing against it is counted, once a connection for each destination.
        """
        verdict = judged.verdict
        if verdict.is_plain_allow:
            self._count(visit, judged)
            return
        if not verdict.final:
            return
        key = (judged.seen.destination, verdict.winner.value if verdict.winner else verdict.reason)
        if key not in visit.told:
            visit.told[key] = self._report(judged, Enforcement.PASSED)

    def _count(self, visit: Visit, judged: Judgement) -> None:
        seen = judged.seen
        reached = seen.stage is Stage.HTTP or (seen.stage is Stage.TLS and judged.verdict.final)
        if reached and (seen.destination, "") not in visit.told:
            visit.told[seen.destination, ""] = ""
            self._services.reporter.report(seen, judged.verdict, Enforcement.PASSED)

    def waived(self, judged: Judgement) -> None:
        """Report that a person went on past a warning."""
        self._report(judged, Enforcement.WAIVED)

    def _complete(self, said: Notice, request: http.Request, judged: Judgement) -> Notice:
        """Add the way to ask for access, and drop a help link that would lead into a block itself."""
        if said.educate_host and self._stops(judged, said.educate_host):
            said = replace(said, educate_url="")
        if self._services.ask is None or judged.verdict.failed or judged.own_port or not said.incident:
            return said
        key = hmac.digest(self._services.waiver_key, ASK_KEY, "sha256")
        return replace(said, ask_token=self._token(request, judged, said.incident, key), ask_form=ASK_PATH)

    def _stops(self, judged: Judgement, host: str) -> bool:
        try:
            name = canonical_host(host)
        except ValueError:
            return True
        seen = Observation(Stage.CONNECTION, judged.seen.device, (name,), can_show_page=False)
        return self._services.policy.judge(seen).stops

    def _token(self, request: http.Request, judged: Judgement, incident: str, key: bytes) -> str:
        winner = judged.verdict.winner
        return waivers.mint(
            key,
            self._services.clock(),
            device=judged.seen.device.id,
            host=judged.seen.destination,
            incident=incident,
            indicator=winner.value if winner else "",
            back=request.path if request.method in ("GET", "HEAD") else "/",
        )

    def _report(self, judged: Judgement, enforcement: Enforcement) -> str:
        """Return the incident of an enforcement: of the same one a moment ago, or of a new event."""
        key, now = _sameness(judged, enforcement), self._services.monotonic()
        incident, until = self._recent.get(key, ("", 0.0))
        if incident and now < until:
            self._services.reporter.repeat(incident)
            return incident
        incident = self._services.reporter.report(judged.seen, judged.verdict, enforcement)
        self._recent.pop(key, None)
        self._recent[key] = (incident, now + _WINDOW)
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        return incident


def answer(flow: http.HTTPFlow, response: http.Response, *, last: bool = False) -> None:
    """Let the gateway answer a request; `last` closes the connection afterwards.

    The answer to HEAD has the length of the page and not its body (RFC 9110, 9.3.2).
    """
    if last and not flow.request.is_http2:  # HTTP/2 has no such header (RFC 9113, 8.2.2)
        response.headers["Connection"] = "close"
    if flow.request.method == "HEAD":
        response.raw_content = b""
    flow.metadata[OURS] = True
    flow.request.stream = False
    flow.response = response


def is_ours(flow: http.HTTPFlow) -> bool:
    """Say whether the gateway itself answers this request."""
    return bool(flow.metadata.get(OURS))


def refuse_flow(flow: http.HTTPFlow) -> None:
    """Refuse a request or its response with what cannot fail; used where judging itself has failed."""
    answer(flow, http.Response.make(403, _REFUSED, {"Content-Type": "text/plain", "Cache-Control": "no-store"}))


def _sameness(judged: Judgement, enforcement: Enforcement) -> tuple[str, ...]:
    seen, verdict = judged.seen, judged.verdict
    what = verdict.winner.value if verdict.winner else verdict.reason
    where = (seen.destination, str(seen.port), seen.url or "", *seen.hashes)
    return (seen.device.id, enforcement, verdict.action, verdict.would or "", what, *where)
