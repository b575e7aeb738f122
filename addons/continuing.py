"""Take a person's *continue* past a warning: the form of our own warn page, and nothing else.

The path is the gateway's on every host: a request for it never reaches the site, whatever it holds.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable

from mitmproxy import http

from addons import waivers
from addons.enforcement import Enforcer, answer, refuse_flow
from addons.guarded import guarded
from addons.judging import Judging
from addons.own_forms import keep_form, say
from addons.services import Services
from addons.sight import host_of, said_host, url_on
from addons.visits import Judgement, Visits
from addons.waivers import Consent
from indicators.observation import Device, Observation
from indicators.verdict import Verdict
from indicators.words import Action, OnError, Stage

_FORM = "seawall_form"  # in a flow's metadata: a form of ours whose body is awaited

log = logging.getLogger(__name__)


class Continuing:
    """Answer the forms of warn pages."""

    name = "seawall-continuing"

    def __init__(self, services: Services, visits: Visits, judging: Judging, enforcer: Enforcer) -> None:
        self.on_error = OnError.CLOSED
        self._services = services
        self._visits = visits
        self._judging = judging
        self._enforcer = enforcer

    @guarded(refuse_flow, always=True)
    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Keep the form from the site; its body is read before it is answered."""
        keep_form(flow, waivers.PATH, _FORM)

    @guarded(refuse_flow, always=True)
    def request(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Check the form, have the waiver put in force, and send the person back to the page."""
        return self._answer(flow) if flow.metadata.get(_FORM) else None

    async def _answer(self, flow: http.HTTPFlow) -> None:
        host = said_host(flow.request) or host_of(flow.request.host)
        device = self._visits.of(flow.client_conn).device
        if not waivers.is_top_level(flow.request.headers, url_on(flow.request, host)):
            say(flow, 403, "Not taken", "Only a person who has seen the warning can continue past it.")
            return
        token = flow.request.urlencoded_form.get("token", "")
        key, now = self._services.waiver_key, self._services.clock()
        try:
            consent = waivers.check(key, now, token, device=device.id, host=host)
            warned = self._warning(flow, device, consent)
            await self._services.waive(consent)
        except (ValueError, RuntimeError, OSError) as problem:
            say(flow, 409, "Not taken", f"You cannot continue: {problem}.")
            return
        self._enforcer.waived(warned)
        answer(flow, http.Response.make(303, b"", {"Location": consent.back, "Cache-Control": "no-store"}), last=True)

    def _warning(self, flow: http.HTTPFlow, device: Device, consent: Consent) -> Judgement:
        """Return the warning that is being waived, with its evidence as far as it can be met again without a lookup."""
        flow.request.path = consent.back
        seen = Observation(
            Stage.HTTP, device, (consent.host,), url_on(flow.request, consent.host), port=flow.request.port
        )
        judged = self._judging.judge(seen)
        if judged.verdict.winner is not None and judged.verdict.winner.value == consent.indicator:
            return judged
        said = f"a person went on past the warning of {consent.indicator} (incident {consent.incident})"
        return Judgement(seen, Verdict(Action.WARN, said))
