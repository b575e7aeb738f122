"""Judge the name in the ClientHello and choose the way of a TLS connection: splice, inspect, or end it.

Splicing is the rule; what is opened, is opened only where `indicators.inspection.route` allows it. A connection that
is stopped as a whole gets one page over HTTP/1.1 and is closed, so that the next one is judged and routed anew.
"""

from __future__ import annotations

from dataclasses import replace

from mitmproxy import tls

from addons import seams
from addons.ca_memory import CaMemory
from addons.destination import may_open, way_of
from addons.enforcement import Enforcer
from addons.guarded import guarded
from addons.ja4 import ja4
from addons.judging import Judging, UnresolvedError
from addons.own_hosts import is_reserved
from addons.refusals import App
from addons.services import Services
from addons.sight import names_of
from addons.visits import Judgement, Visit, Visits
from indicators.addresses import parse_address
from indicators.hosts import canonical_host, is_address
from indicators.inspection import Route
from indicators.observation import Observation
from indicators.verdict import Verdict
from indicators.words import Action, Stage, Visibility

_ONE_REQUEST = b"http/1.1"
_UNOPENED = "an app that refuses our certificate is passed unopened, though URLs on this host are listed"
PINNED = Verdict(Action.AUDIT, _UNOPENED)


class ClientHelloGate:
    """Judge ClientHellos."""

    name = "seawall-client-hello"

    def __init__(
        self, services: Services, visits: Visits, judging: Judging, memory: CaMemory, enforcer: Enforcer
    ) -> None:
        self.on_error = services.on_error
        self._services = services
        self._visits = visits
        self._judging = judging
        self._memory = memory
        self._enforcer = enforcer

    @guarded(
        lambda data: seams.refuse_tls(data.context, seams.INTERNAL_ERROR),
        let_pass=lambda data: setattr(data, "ignore_connection", True),
    )
    async def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Choose the way; a name that is none is refused, because nothing can be known of it."""
        address = data.context.server.address
        if address is None:
            return  # TLS to the proxy itself
        visit = self._visits.of(data.context.client)
        try:
            dial, port = canonical_host(address[0]), address[1]
            sni = canonical_host(data.client_hello.sni) if data.client_hello.sni else ""
            if is_reserved(dial) or is_reserved(sni):
                visit.reserved = True
                _one_request(data)
                return
            sni = sni or await self._given(visit, dial)
            judged = visit.stopped or await self._judge(visit, dial, port, sni)
        except (ValueError, UnresolvedError):
            seams.refuse_tls(data.context, seams.INTERNAL_ERROR)
            return
        self._go(data, visit, judged, sni or dial)

    def _go(self, data: tls.ClientHelloData, visit: Visit, judged: Judgement, host: str) -> None:
        app = App(visit.device.id, host, ja4(data.client_hello))
        way = way_of(judged.verdict, visit, host, self._services, self._memory, app.ja4)
        if judged.own_port:
            way = Route.TERMINATE
        if judged.stops:
            visit.stopped = judged
            _one_request(data)
        if way is Route.TERMINATE:
            if judged.stops:
                self._enforcer.reset(visit, judged)
            seams.refuse_tls(data.context, seams.ACCESS_DENIED)
        elif way is Route.SPLICE:
            self._splice(data, visit, judged, app)
        else:
            self._open(data, visit, judged, app)

    def _splice(self, data: tls.ClientHelloData, visit: Visit, judged: Judgement, app: App) -> None:
        self._enforcer.passed(visit, judged)
        if judged.verdict.needs is Visibility.URL and self._services.pinned(app):
            self._enforcer.passed(visit, replace(judged, verdict=PINNED))
        data.ignore_connection = True

    def _open(self, data: tls.ClientHelloData, visit: Visit, judged: Judgement, app: App) -> None:
        """Have a connection decrypted; count it, and watch the app where nothing is stopped."""
        self._services.opened(visit.device, _why(judged, app.host))
        if judged.stops:
            return
        visit.opened = app
        if data.context.server.connected:
            seams.server_tls_first(data.context)

    async def _given(self, visit: Visit, dial: str) -> str:
        """Return the name that our DNS gave this device for an address, where the hello names nobody."""
        if not is_address(dial):
            return ""
        try:
            names = await self._services.given(dial, visit.device)
        except (OSError, ValueError):
            return ""
        return canonical_host(names[0]) if names else ""

    async def _judge(self, visit: Visit, dial: str, port: int, sni: str) -> Judgement:
        """Judge by the name asked for and the name in the ClientHello; both count where they differ."""
        host = sni or dial
        seen = Observation(
            Stage.TLS,
            visit.device,
            hosts=names_of(dial, sni),
            addresses=(parse_address(dial),) if is_address(dial) else (),
            port=port,
            reach=Visibility.URL if may_open(visit, host, self._services, self._memory) else Visibility.SNI,
            can_show_page=not self._memory.refuses(visit.device, host),
            user_agent=visit.user_agent,
        )
        return await self._judging.examine(visit, seen, dial, port, lambda verdict: self._opens(visit, host, verdict))

    def _opens(self, visit: Visit, host: str, verdict: Verdict) -> bool:
        return way_of(verdict, visit, host, self._services, self._memory) is Route.INSPECT


def _one_request(data: tls.ClientHelloData) -> None:
    if _ONE_REQUEST in data.client_hello.alpn_protocols:
        data.context.client.alpn = _ONE_REQUEST


def _why(judged: Judgement, host: str) -> str:
    """Say for what a connection is decrypted: an indicator, the URLs listed on the host, or the configuration."""
    winner = judged.verdict.winner
    if judged.stops and winner:
        return winner.value
    return f"URLs on {host}" if judged.verdict.needs is Visibility.URL else f"inspect: {host}"
