"""Take a person's *ask for access* from one of our pages, and hand it to whoever runs the gateway.

The path is the gateway's on every host: a request for it never reaches the site, whatever it holds. Asking allows
nothing: what is approved comes back as an indicator, by the policy's own way.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable
from dataclasses import dataclass

from mitmproxy import http

from addons import waivers
from addons.enforcement import ASK_KEY, ASK_PATH, refuse_flow
from addons.guarded import guarded
from addons.own_forms import keep_form, say
from addons.services import Services
from addons.sight import host_of, said_host, url_on
from addons.visits import Visits
from addons.waivers import Consent
from indicators.observation import Device
from indicators.words import OnError

_FORM = "seawall_ask"  # in a flow's metadata: a form of ours whose body is awaited
_MAX_NOTE = 1000  # characters

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """Say who asks for what. `consent.nonce` is good for one request, so that a form sent twice asks once."""

    device: Device
    consent: Consent
    note: str


class AskForAccess:
    """Answer the *ask for access* forms of block and warn pages."""

    name = "seawall-asking"

    def __init__(self, services: Services, visits: Visits) -> None:
        self.on_error = OnError.CLOSED
        self._services = services
        self._visits = visits

    @guarded(refuse_flow, always=True)
    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Keep the form from the site; its body is read before it is answered."""
        keep_form(flow, ASK_PATH, _FORM)

    @guarded(refuse_flow, always=True)
    def request(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Check the form and hand the request in."""
        return self._answer(flow) if flow.metadata.get(_FORM) else None

    async def _answer(self, flow: http.HTTPFlow) -> None:
        host = said_host(flow.request) or host_of(flow.request.host)
        if self._services.ask is None or not waivers.is_top_level(flow.request.headers, url_on(flow.request, host)):
            say(flow, 403, "Not taken", "Only a person who has seen the page can ask.")
            return
        device = self._visits.of(flow.client_conn).device
        form, now = flow.request.urlencoded_form, self._services.clock()
        try:
            key = hmac.digest(self._services.waiver_key, ASK_KEY, "sha256")
            consent = waivers.check(key, now, form.get("token", ""), device=device.id, host=host)
            status = await self._services.ask(Asking(device, consent, form.get("note", "")[:_MAX_NOTE]))
        except ValueError as problem:
            say(flow, 409, "Not taken", f"You cannot ask: {problem}.")
        except (RuntimeError, OSError) as problem:
            log.warning("a request for access could not be handed in: %s", problem)
            say(flow, 503, "Not sent", "Your request could not be handed in just now. Try again in a few minutes.")
        else:
            say(flow, 200, *_ANSWERS.get(status, _ANSWERS["pending"]))


_ANSWERS = {
    "pending": ("Asked", "Your request was handed in. Once it is approved, load the page again."),
    "approved": ("Approved", "This was approved already. Load the page again."),
    "denied": ("Refused", "This was asked for before, and refused."),
}
