"""Take note of what passes, by mitmproxy's hooks: connections that are not opened, requests until they are answered.

Stands behind the gates, which have decided by then; nothing is judged here.
"""

from __future__ import annotations

from mitmproxy import connection, http, tcp, tls

from addons.passing import Passing
from addons.request import JUDGED
from addons.sight import host_of, names_of
from addons.visits import Judgement, Visits
from indicators.addresses import parse_address
from indicators.hosts import is_address
from indicators.observation import Observation
from indicators.words import Stage, Visibility


class NotePassing:
    """Keep `Passing` current."""

    name = "seawall-passing"

    def __init__(self, passing: Passing, visits: Visits) -> None:
        self._passing = passing
        self._visits = visits

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Note a connection that is relayed unopened; a hook."""
        if data.ignore_connection and data.context.server.address:
            client = data.context.client
            self._passing.note(client.id, client.id, self._seen(client, data.context.server, data.client_hello.sni))

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Note a request that passes; a hook."""
        judged: Judgement | None = flow.metadata.get(JUDGED)
        if judged is not None and not flow.response:
            self._passing.note(flow.id, flow.client_conn.id, judged.seen)

    def response(self, flow: http.HTTPFlow) -> None:
        """Forget a request whose answer has been passed on, but for one that goes on as a WebSocket; a hook."""
        if flow.websocket is None:
            self._passing.forget(flow.id)

    def error(self, flow: http.HTTPFlow) -> None:
        """Forget a request that failed; a hook."""
        self._passing.forget(flow.id)

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """Forget a WebSocket; a hook."""
        self._passing.forget(flow.id)

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """Note a connection that is neither TLS nor HTTP; a hook."""
        if flow.server_conn.address:
            client = flow.client_conn
            self._passing.note(flow.id, client.id, self._seen(client, flow.server_conn, client.sni))

    def tcp_end(self, flow: tcp.TCPFlow) -> None:
        """Forget it; a hook."""
        self._passing.forget(flow.id)

    def tcp_error(self, flow: tcp.TCPFlow) -> None:
        """Forget it; a hook."""
        self._passing.forget(flow.id)

    def client_disconnected(self, client: connection.Client) -> None:
        """Forget a client's connection with all that passed in it; a hook."""
        self._passing.forget_client(client.id)

    def _seen(self, client: connection.Client, server: connection.Server, sni: str | None) -> Observation:
        """Return what is seen of a connection that is not opened."""
        visit, (host, port) = self._visits.of(client), (server.address or ("", 0))[:2]
        dial = host_of(host)
        place = visit.cleared.get((dial, port))
        hosts = names_of(host_of(sni or ""), dial, *(place.chain if place else ()))
        addresses = place.addresses if place else (parse_address(dial),) if is_address(dial) else ()
        reach = Visibility.SNI
        return Observation(
            Stage.TLS, visit.device, hosts, addresses=addresses, port=port, reach=reach, can_show_page=False
        )
