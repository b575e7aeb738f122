"""Tell the radar what is read in connections that are inspected: ClientHellos, and where later requests want to go.

Whoever took the connection in (the front, or the tunnel) has noted the connection and its first destination; here comes
what nobody could see before. Nothing is judged, and nothing waits.
"""

from __future__ import annotations

from mitmproxy import connection, http, tls

from addons.enforcement import is_ours
from addons.own_hosts import is_reserved
from addons.sight import asked_host, host_of
from addons.sights import Sights
from addons.visits import Visits
from indicators.hosts import is_address

_ECH = 0xFE0D  # the extension encrypted_client_hello
_REMEMBERED = 64  # names of one connection


class Sightings:
    """Tell of hellos and requests."""

    name = "seawall-sightings"

    def __init__(self, sights: Sights, visits: Visits) -> None:
        self._sights = sights
        self._visits = visits
        self._known: dict[str, set[tuple[str, int]]] = {}  # client -> what was told of it, by host and port

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Note the name in a ClientHello beside the one that was asked for; a hook."""
        address, client = data.context.server.address, data.context.client
        name = host_of(data.client_hello.sni or "")
        if address is None or not name or is_reserved(name):
            return
        asked, device = host_of(address[0]), self._visits.of(client).device
        contradicts = bool(asked) and not is_address(asked) and name != asked
        ech = any(kind == _ECH for kind, _ in data.client_hello.extensions)
        self._sights.said(device, name, contradicts=contradicts, ech=ech, dial=asked)
        if name != asked:
            self._sights.named(device, name)
        for one in (name, asked):
            self._remember(client, one, address[1])

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Note where a request wants to go, and the name it gives, once for each connection; a hook."""
        request, client = flow.request, flow.client_conn
        dial, said = host_of(request.host), asked_host(request)
        if is_ours(flow) or is_reserved(dial) or is_reserved(said):
            return
        first = client.id not in self._known
        if self._remember(client, dial, request.port) and not first:
            self._sights.came(self._visits.of(client).device, dial, request.port)
        if said != dial and self._remember(client, said, request.port):
            self._sights.named(self._visits.of(client).device, said)

    def client_disconnected(self, client: connection.Client) -> None:
        """Forget a connection; a hook."""
        self._known.pop(client.id, None)

    def _remember(self, client: connection.Client, host: str, port: int) -> bool:
        """Say whether this is new of a connection, and keep it."""
        known = self._known.setdefault(client.id, set())
        if not host or (host, port) in known or len(known) >= _REMEMBERED:
            return False
        known.add((host, port))
        return True
