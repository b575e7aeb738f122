"""Judge where a connection wants to go: CONNECT, SOCKS5 and redirected traffic, and every upstream connection at last.

The first two see the destination before anything is sent there. `server_connect` is the last guard, for every mode
and every addon: nothing is dialled that was not judged for this client connection, and only at the judged addresses.
"""

from __future__ import annotations

from functools import partial

from mitmproxy import connection, http
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from addons import pages, seams
from addons.begun import go_on
from addons.ca_memory import CaMemory
from addons.enforcement import Enforcer, answer, refuse_flow
from addons.guarded import guarded
from addons.judged_addresses import pin
from addons.judging import Judging, UnresolvedError
from addons.own_hosts import is_reserved
from addons.refusals import App
from addons.services import Services
from addons.visits import Judgement, Place, Visit, Visits
from indicators.addresses import parse_address
from indicators.hosts import canonical_host, is_address
from indicators.inspection import Route, route
from indicators.observation import Observation
from indicators.verdict import CLEAN, Verdict
from indicators.well_known_ports import CLIENT_FIRST_PORTS, PLAIN_HTTP_PORTS, SERVER_FIRST_PORTS
from indicators.words import Action, Stage, Visibility


class DestinationGate:
    """Judge destinations before they are dialled."""

    name = "seawall-destination"

    def __init__(
        self, services: Services, visits: Visits, judging: Judging, memory: CaMemory, enforcer: Enforcer
    ) -> None:
        self.on_error = services.on_error
        self._services = services
        self._visits = visits
        self._judging = judging
        self._memory = memory
        self._enforcer = enforcer

    @guarded(refuse_flow)
    async def http_connect(self, flow: http.HTTPFlow) -> None:
        """Judge the target of CONNECT; what is stopped gets a page over TLS, else a plain 403."""
        if flow.response or flow.error:
            return
        visit = self._visits.of(flow.client_conn)
        visit.user_agent = flow.request.headers.get("user-agent", "")
        self._services.reporter.device_seen(visit.device, visit.user_agent)
        try:
            host, port = canonical_host(flow.request.host), flow.request.port
            judged = await self._judge(visit, host, port)
        except (ValueError, UnresolvedError) as problem:
            status = 502 if isinstance(problem, UnresolvedError) else 400
            answer(flow, pages.refusal(status, "No connection", str(problem), flow.request.host))
            return
        if not judged.stops:
            flow.metadata[seams.DIAL] = self._dials_at_once(visit, host, port)
        elif self._shows_no_page(visit, judged, port):
            self._enforcer.refuse_connect(flow, visit, judged)

    @guarded(lambda data: setattr(data, "refused", "judging failed"))
    async def seawall_destination(self, data: seams.Destination) -> None:
        """Judge the destination of SOCKS5 and redirected traffic; what is stopped may still get a page."""
        address = data.context.server.address
        if address is None:
            return
        visit = self._visits.of(data.context.client)
        self._services.reporter.device_seen(visit.device)
        try:
            host, port = canonical_host(address[0]), address[1]
            judged = await self._judge(visit, host, port)
        except (ValueError, UnresolvedError) as problem:
            data.refused = str(problem)
            return
        tcp = data.context.server.transport_protocol == "tcp"
        if not judged.stops:
            data.dial = tcp and self._dials_at_once(visit, host, port)
        elif judged.own_port or not tcp or port in SERVER_FIRST_PORTS:
            data.refused, data.by_rule = judged.verdict.reason, True
            self._enforcer.reset(visit, judged)

    @guarded(lambda data: setattr(data.server, "error", "judging failed"))
    async def server_connect(self, data: ServerConnectionHookData) -> None:
        """Let an upstream connection go to judged addresses only."""
        address = data.server.address
        if address is None or data.server.error:
            return
        visit = self._visits.of(data.client)
        try:
            host, port = canonical_host(address[0]), address[1]
            judged = await self._last_look(visit, host, port)
        except (ValueError, UnresolvedError) as problem:
            data.server.error = str(problem)
            return
        place = visit.cleared.get((host, port))
        if judged.verdict.final and not judged.stops and place is not None:
            pin(address[0], place.addresses)
            _go_on(visit, place, port)
            if data.server.transport_protocol == "udp":
                data.server.address = (str(place.addresses[0]), port)
            return
        data.server.error = judged.verdict.reason
        if not visit.settled:
            self._enforcer.reset(visit, judged)

    async def client_disconnected(self, client: connection.Client) -> None:
        """Report a block whose page was never asked for, then forget the connection."""
        visit = self._visits.end(client)
        if visit is not None and visit.stopped is not None and not visit.settled:
            self._enforcer.reset(visit, visit.stopped)

    async def _judge(self, visit: Visit, host: str, port: int) -> Judgement:
        """Judge a destination at stage `connection` and note what follows for the rest of the connection."""
        seen = self._seen(visit, host, port)
        if is_reserved(host):
            visit.reserved = True
            return Judgement(seen, CLEAN)
        judged = await self._judging.examine(visit, seen, host, port, partial(self._opens, visit, host, port))
        if judged.stops:
            visit.stopped = judged
        else:
            self._enforcer.passed(visit, judged)
        return judged

    async def _last_look(self, visit: Visit, host: str, port: int) -> Judgement:
        """Judge what is about to be dialled, unless that was done a moment ago and nothing objected."""
        seen = self._seen(visit, host, port, page=False)
        if visit.reserved or is_reserved(host):
            return Judgement(seen, Verdict(CLEAN.action, "the gateway answers this itself", final=False))
        if visit.stopped is None and self._judging.is_cleared(visit, host, port):
            return Judgement(seen, CLEAN)
        return await self._judging.examine(visit, seen, host, port)

    def _seen(self, visit: Visit, host: str, port: int, *, page: bool = True) -> Observation:
        """Return what is known now. `page` is false at the last look: neither URL nor page can come any more."""
        device = visit.device
        plain = port in PLAIN_HTTP_PORTS
        opens = plain or may_open(visit, host, self._services, self._memory)
        return Observation(
            Stage.CONNECTION,
            device,
            hosts=() if is_address(host) else (host,),
            addresses=(parse_address(host),) if is_address(host) else (),
            port=port,
            reach=Visibility.URL if page and opens else Visibility.SNI,
            can_show_page=page and port not in SERVER_FIRST_PORTS and (plain or not self._memory.refuses(device, host)),
            user_agent=visit.user_agent,
        )

    def _opens(self, visit: Visit, host: str, port: int, verdict: Verdict) -> bool:
        if port in SERVER_FIRST_PORTS:
            return False
        return way_of(verdict, visit, host, self._services, self._memory) is Route.INSPECT

    def _dials_at_once(self, visit: Visit, host: str, port: int) -> bool:
        return self._judging.is_cleared(visit, host, port) and port not in CLIENT_FIRST_PORTS

    def _shows_no_page(self, visit: Visit, judged: Judgement, port: int) -> bool:
        if judged.own_port or port in SERVER_FIRST_PORTS:
            return True
        return port not in PLAIN_HTTP_PORTS and self._memory.refuses(visit.device, judged.seen.destination)


def _go_on(visit: Visit, place: Place, port: int) -> None:
    """Go on with the exchange that the front has begun, if it was begun at an address that is judged now."""
    if visit.begun and visit.begun.place in [(str(address), port) for address in place.addresses]:
        go_on(visit.begun)


def way_of(verdict: Verdict, visit: Visit, host: str, services: Services, memory: CaMemory, ja4: str = "") -> Route:
    """Choose the way of a TLS connection of this device to this host.

    An app that pins is passed unopened, unless URLs on the host are listed: malware could else unlock its own host by
    refusing our certificate twice. What is stopped as a whole is never passed by that rule.
    """
    trusts, device = memory.trusts(visit.device), visit.device
    lists = services.lists.for_device(device)
    if verdict.action.strength >= Action.WARN.strength:
        return route(verdict, host, trusts, lists, refuses_ca=memory.refuses(device, host))
    way = route(verdict, host, trusts, lists, refuses_ca=memory.refuses_everywhere(device))
    if way is Route.INSPECT and ja4 and services.pinned(App(device.id, host, ja4)):
        return way if verdict.needs is Visibility.URL and not services.splices_pinned else Route.SPLICE
    return way


_NEEDS_URL = Verdict(CLEAN.action, CLEAN.reason, needs=Visibility.URL)


def may_open(visit: Visit, host: str, services: Services, memory: CaMemory) -> bool:
    """Say whether a TLS connection of this device to this host could be inspected, were it needed."""
    return way_of(_NEEDS_URL, visit, host, services, memory) is Route.INSPECT
