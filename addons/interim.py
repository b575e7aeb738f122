"""Pass by what a server says before its answer (103 Early Hints): mitmproxy takes it for the answer, then waits.

It leaves such heads of HTTP/2 out itself. 101 is no such head: with it the connection changes hands. Nothing is judged
here. Written against mitmproxy 12.2.
"""

from __future__ import annotations

import re
from typing import Any

from mitmproxy.proxy import events
from mitmproxy.proxy.layers.http._http1 import Http1Client

from addons.replacing import wrap
from addons.seams import Commands

_INTERIM = re.compile(rb"HTTP/1\.[01] 1(?!01)\d\d[ \r\n].*?\n\r?\n", re.DOTALL)


def install() -> None:
    """Replace the function; harmless when repeated."""
    wrap(Http1Client, "read_headers", _final)


def _final(original: Any) -> Any:
    """Wrap the reading of an answer's head: interim ones before it are dropped once they are whole."""

    def read_headers(self: Http1Client, event: events.ConnectionEvent) -> Commands[None]:
        if self.request is not None:
            while found := _INTERIM.match(bytes(self.buf)):
                self.buf.maybe_extract_at_most(found.end())
        yield from original(self, event)

    return read_headers
