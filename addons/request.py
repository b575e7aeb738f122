"""Judge every request by its full URL, also the later ones of a kept-alive connection, before upstream hears of it.

The host that a request names, the host that is dialled and the name in the ClientHello may differ: each is judged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import cast

from mitmproxy import http
from mitmproxy.net.http.http1 import expected_http_body_size

from addons import pages, seams
from addons.enforcement import Enforcer, answer, is_ours, refuse_flow
from addons.guarded import guarded
from addons.judging import Judging, UnresolvedError
from addons.services import Services
from addons.sight import host_of, names_of, said_host, url_on
from addons.visits import Judgement, Visit, Visits
from indicators.addresses import parse_address
from indicators.device_signs import of_hints, shipped_signs
from indicators.hosts import canonical_host, is_address
from indicators.observation import Observation
from indicators.words import Stage

JUDGED = "seawall_judged"  # in a flow's metadata: the judgement that let the request pass
_SMALL_BODY = 1024 * 1024  # bytes; a longer body is not read only to be answered with a page
_FOR_THE_PROXY = ("proxy-authorization", "proxy-connection")  # a password for us is nobody else's
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


class RequestGate:
    """Judge requests."""

    name = "seawall-request"

    def __init__(self, services: Services, visits: Visits, judging: Judging, enforcer: Enforcer) -> None:
        self.on_error = services.on_error
        self._services = services
        self._visits = visits
        self._judging = judging
        self._enforcer = enforcer
        self._signs = shipped_signs()

    @guarded(refuse_flow)
    def requestheaders(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Judge a request; one that passes is streamed to its server. Only one that must be looked up waits."""
        visit = self._visits.of(flow.client_conn)
        visit.next_request()
        if flow.error or flow.response or is_ours(flow):
            return None
        visit.user_agent = flow.request.headers.get("user-agent", "") or visit.user_agent
        self._services.reporter.device_seen(visit.device, visit.user_agent)
        try:
            seen = _seen(flow, visit)
        except ValueError as problem:
            answer(flow, pages.refusal(400, "This is not a valid address", str(problem)))
            return None
        self._note_signs(flow.request, seen)
        judged = self._judge(flow, visit, seen)
        if judged is None:
            return self._judge_by_lookup(flow, visit, seen)
        self._enforce(flow, visit, judged)
        return None

    def _note_signs(self, request: http.Request, seen: Observation) -> None:
        """Tell what the request says of its device. Header names are looked up in any case."""
        headers = cast("Mapping[str, str]", request.headers)
        found = (self._signs.of_request(seen.host, request.path, headers), of_hints(headers))
        for sign in filter(None, found):
            self._services.reporter.sign_seen(seen.device, sign)

    def _enforce(self, flow: http.HTTPFlow, visit: Visit, judged: Judgement) -> None:
        seams.override_host(flow.request)
        for name in _FOR_THE_PROXY:
            flow.request.headers.pop(name, None)
        if judged.stops:
            self._stop(flow, visit, judged)
        elif visit.stopped is not None:
            _again(flow)
        else:
            self._enforcer.passed(visit, judged)
            flow.metadata[JUDGED] = judged
            if self._services.streams:
                flow.request.stream = True

    def _stop(self, flow: http.HTTPFlow, visit: Visit, judged: Judgement) -> None:
        if _has_small_body(flow.request):
            self._enforcer.page(flow, visit, judged)
        else:
            self._enforcer.reset(visit, judged)
            refuse_flow(flow)
            seams.hang_up(flow.client_conn)

    def _judge(self, flow: http.HTTPFlow, visit: Visit, seen: Observation) -> Judgement | None:
        """Return the judgement that needs no lookup; nothing where one is needed."""
        for host in seen.hosts[1:]:
            elsewhere = self._judging.judge(replace(seen, url=url_on(flow.request, host)))
            if elsewhere.stops:
                return elsewhere
        if visit.stopped is not None and visit.stopped.verdict.stops:
            return self._of_a_stopped_visit(visit.stopped, seen)
        return self._judging.at_once(visit, seen, canonical_host(flow.request.host), flow.request.port)

    async def _judge_by_lookup(self, flow: http.HTTPFlow, visit: Visit, seen: Observation) -> None:
        dial = canonical_host(flow.request.host)
        try:
            judged = await self._judging.by_lookup(visit, seen, dial, flow.request.port)
        except UnresolvedError as problem:
            answer(flow, pages.refusal(502, "This site cannot be found", str(problem), flow.request.host))
        else:
            self._enforce(flow, visit, judged)

    def _of_a_stopped_visit(self, stopped: Judgement, seen: Observation) -> Judgement:
        """Judge anew what stopped the connection, with the URL: it may have been waived or allowed meanwhile.

        Nothing is looked up, because nothing of this connection may pass.
        """
        hosts = tuple(dict.fromkeys((*seen.hosts, *stopped.seen.hosts)))
        seen = replace(seen, hosts=hosts, addresses=stopped.seen.addresses)
        if stopped.own_port or stopped.verdict.failed:
            return replace(stopped, seen=seen)
        return self._judging.judge(seen)


def _seen(flow: http.HTTPFlow, visit: Visit) -> Observation:
    """Return what a request shows. Raises ValueError where it names what is no host."""
    dial = canonical_host(flow.request.host)
    hosts = names_of(said_host(flow.request), dial, host_of(flow.client_conn.sni or ""))
    return Observation(
        Stage.HTTP,
        visit.device,
        hosts=hosts,
        url=url_on(flow.request, hosts[0]),
        addresses=(parse_address(dial),) if is_address(dial) else (),
        port=flow.request.port,
        user_agent=visit.user_agent,
    )


def _again(flow: http.HTTPFlow) -> None:
    """Send the client to the same URL on a new connection, which will be judged and routed anew.

    An HTTP/2 client would come back on this one, so it is hung up on; clients then try again by themselves.
    """
    if flow.request.is_http2:
        refuse_flow(flow)
        seams.hang_up(flow.client_conn)
        return
    location = url_on(flow.request, host_of(flow.request.pretty_host) or flow.request.host)
    answer(flow, http.Response.make(307, b"", {"Location": location, "Cache-Control": "no-store"}), last=True)


def _has_small_body(request: http.Request) -> bool:
    """Say whether the body can be read before the page is sent; HTTP/2 does not always tell its length."""
    try:
        size = expected_http_body_size(request)
    except ValueError:
        return False
    if size == 0 and request.is_http2 and request.method in _WITH_BODY and "content-length" not in request.headers:
        return False
    return size is not None and size <= _SMALL_BODY
