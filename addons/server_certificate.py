"""Judge an upstream server by its certificate's SHA-1 thumbprint, before any request is sent to it.

Only connections that we open TLS on are seen; a spliced connection's certificate is the client's affair.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.x509 import Certificate
from mitmproxy import http, tcp, tls
from mitmproxy.connection import Client, Server
from mitmproxy.proxy.layers import TCPLayer

from addons import seams
from addons.enforcement import Enforcer, is_ours, refuse_flow
from addons.guarded import guarded
from addons.judging import Judging, is_unmet
from addons.request import JUDGED
from addons.services import Services
from addons.sight import host_of, names_of
from addons.visits import Judgement, Visit, Visits
from indicators.addresses import parse_address
from indicators.observation import Address, Observation
from indicators.words import Stage

_VOUCHED = 64  # connections to servers that are remembered of one client's


class ServerCertificateGate:
    """Judge servers' certificates."""

    name = "seawall-server-certificate"

    def __init__(self, services: Services, visits: Visits, judging: Judging, enforcer: Enforcer) -> None:
        self.on_error = services.on_error
        self._services = services
        self._visits = visits
        self._judging = judging
        self._enforcer = enforcer

    @guarded(refuse_flow)
    def seawall_upstream_ready(self, flow: http.HTTPFlow) -> None:
        """Judge the certificate together with the request that waits for this server; nothing of it was sent."""
        if not flow.server_conn.certificate_list or is_ours(flow):
            return
        visit = self._visits.of(flow.client_conn)
        asked = flow.metadata.get(JUDGED)
        if isinstance(asked, Judgement):
            self._judge_with(asked, flow, visit)
        else:
            self._enforce(flow, visit, self._judging.judge(_seen(visit, flow.server_conn)))

    def _judge_with(self, asked: Judgement, flow: http.HTTPFlow, visit: Visit) -> None:
        """Judge server and request together.

        Where nothing was known of this server with an earlier request, and nothing is of this request, nothing is
        known of both.
        """
        server, by = flow.server_conn.id, (self._services.epoch(), asked.seen.hosts)
        if is_unmet(asked.verdict) and visit.vouched.get(server) == by:
            return
        seen = replace(_seen(visit, flow.server_conn), hosts=asked.seen.hosts, url=asked.seen.url)
        judged = self._judging.judge(seen)
        self._enforce(flow, visit, judged)
        if is_unmet(judged.verdict):
            if len(visit.vouched) >= _VOUCHED:
                visit.vouched.clear()
            visit.vouched[server] = by

    def _enforce(self, flow: http.HTTPFlow, visit: Visit, judged: Judgement) -> None:
        if judged.stops:
            self._enforcer.page(flow, visit, judged)
        else:
            self._enforcer.passed(visit, judged)

    @guarded(lambda data: seams.hang_up(data.context.client))
    def tls_established_server(self, data: tls.TlsData) -> None:
        """Judge the certificate where something other than HTTP waits for this server."""
        if isinstance(data.conn, Server) and any(isinstance(found, TCPLayer) for found in data.context.layers):
            self._judge_raw(data.context.client, data.conn)

    @guarded(lambda flow: seams.hang_up(flow.client_conn))
    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """Judge the certificate where the server was reached before it was known what the client speaks."""
        self._judge_raw(flow.client_conn, flow.server_conn)

    def _judge_raw(self, client: Client, server: Server) -> None:
        """End both connections where the certificate is stopped: no page can be shown, and nothing was sent."""
        if not server.certificate_list:
            return
        visit = self._visits.of(client)
        judged = self._judging.judge(replace(_seen(visit, server), can_show_page=False))
        if not judged.stops:
            self._enforcer.passed(visit, judged)
            return
        self._enforcer.reset(visit, judged)
        seams.hang_up(client, server)
        seams.hang_up(client)


def _seen(visit: Visit, server: Server) -> Observation:
    return Observation(
        Stage.SERVER_CERT,
        visit.device,
        hosts=names_of(host_of(server.sni or ""), host_of(server.address[0] if server.address else "")),
        addresses=_peer(server),
        port=server.address[1] if server.address else None,
        certificate=_thumbprint(server.certificate_list[0].to_cryptography()),
        user_agent=visit.user_agent,
    )


@lru_cache(1024)
def _thumbprint(certificate: Certificate) -> str:
    """Return a certificate's name; mitmproxy's own class hashes both of two that it compares, at each request."""
    return certificate.fingerprint(SHA1()).hex()  # noqa: S303 - a name, no seal


def _peer(server: Server) -> tuple[Address, ...]:
    return (parse_address(server.peername[0]),) if server.peername else ()
