"""Keep nothing of what passes, and do not let a site lead clients around us.

mitmproxy keeps every message of raw TCP and WebSocket flows for its user interface. `Alt-Svc` would send a browser to
HTTP/3, where it is not seen.
"""

from __future__ import annotations

from mitmproxy import http, tcp


class Frugal:
    """Drop messages once they are sent, and `Alt-Svc`."""

    name = "seawall-frugal"

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Take out the invitation to HTTP/3."""
        if flow.response is not None:
            flow.response.headers.pop("alt-svc", None)

    def tcp_message(self, flow: tcp.TCPFlow) -> None:
        """Forget a message; it is sent all the same."""
        flow.messages.clear()

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Forget a message; it is sent all the same."""
        if flow.websocket is not None:
            flow.websocket.messages.clear()
