"""Offer a client HTTP/2 only where its server speaks it, as far as that is known.

Servers are dialled once a request was judged, so the client's protocol is agreed on before the server's. Streams of
HTTP/2 have to take turns on connections of HTTP/1 (`sharing.py`). So what a server has chosen once is remembered for
its next connections. Nothing is judged here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from mitmproxy import tls
from mitmproxy.connection import Server

HTTP1 = b"http/1.1"
_HTTP2 = b"h2"
_LASTS = 3600.0  # seconds; a server may learn HTTP/2
_REMEMBERED = 4096  # servers

type _Key = tuple[str, int]


class Protocols:
    """Remember servers of HTTP/1, and speak no better to their clients."""

    name = "seawall-protocols"

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._only_http1: OrderedDict[_Key, float] = OrderedDict()

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Agree on HTTP/1 with a client whose server speaks nothing else; a hook."""
        address = data.context.server.address
        if address is None or data.ignore_connection or HTTP1 not in data.client_hello.alpn_protocols:
            return
        key = (data.client_hello.sni or address[0], address[1])
        if self._monotonic() < self._only_http1.get(key, 0.0):
            data.context.client.alpn = HTTP1

    def tls_established_server(self, data: tls.TlsData) -> None:
        """Note what a server has chosen from our offer; a hook."""
        server = data.conn
        if not isinstance(server, Server) or server.address is None or _HTTP2 not in server.alpn_offers:
            return
        key = (server.sni or server.address[0], server.address[1])
        self._only_http1.pop(key, None)
        if server.alpn != _HTTP2:
            self._only_http1[key] = self._monotonic() + _LASTS
            if len(self._only_http1) > _REMEMBERED:
                self._only_http1.popitem(last=False)
