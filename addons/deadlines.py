"""End connections that make no progress: mitmproxy has no limits of its own for handshakes and connects.

A client must say what it wants within `SPEAK_WITHIN`; a server must accept within `CONNECT_WITHIN`.
"""

from __future__ import annotations

import asyncio

from mitmproxy import connection, http, tcp, tls
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from addons import seams

SPEAK_WITHIN = 30.0  # seconds from the connection, or from the answer to CONNECT or SOCKS, to the first words
CONNECT_WITHIN = 10.0  # seconds


class Deadlines:
    """Watch connections."""

    name = "seawall-deadlines"

    def __init__(self, speak_within: float = SPEAK_WITHIN, connect_within: float = CONNECT_WITHIN) -> None:
        self._speak_within = speak_within
        self._connect_within = connect_within
        self._running: dict[str, asyncio.TimerHandle] = {}

    def client_connected(self, client: connection.Client) -> None:
        """Begin to wait for a client's first words."""
        self._wait(client)

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Wait for what comes after CONNECT."""
        self._wait(flow.client_conn)

    def seawall_destination(self, data: seams.Destination) -> None:
        """Wait for what comes after the destination is known."""
        self._wait(data.context.client)

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Wait for the handshake's end and the request, or for the server where nothing is decrypted."""
        self._wait(data.context.client)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Stop waiting: a request has come."""
        self._stop(flow.client_conn.id)

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        """Stop waiting: the client has spoken."""
        self._stop(flow.client_conn.id)

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """Begin to wait for a server."""
        self._stop(data.client.id)
        self._stop(data.server.id)
        loop = asyncio.get_running_loop()
        self._running[data.server.id] = loop.call_later(self._connect_within, seams.hang_up, data.client, data.server)

    def server_connected(self, data: ServerConnectionHookData) -> None:
        """Stop waiting: the server has accepted."""
        self._stop(data.server.id)

    def server_connect_error(self, data: ServerConnectionHookData) -> None:
        """Stop waiting: the server has refused."""
        self._stop(data.server.id)

    def client_disconnected(self, client: connection.Client) -> None:
        """Stop waiting: the client has gone, or is done with."""
        self._stop(client.id)
        seams.close_socket(client)

    def done(self) -> None:
        """Stop waiting for anybody."""
        for key in list(self._running):
            self._stop(key)

    def _wait(self, client: connection.Client) -> None:
        self._stop(client.id)
        loop = asyncio.get_running_loop()
        self._running[client.id] = loop.call_later(self._speak_within, seams.hang_up, client)

    def _stop(self, key: str) -> None:
        handle = self._running.pop(key, None)
        if handle is not None:
            handle.cancel()
