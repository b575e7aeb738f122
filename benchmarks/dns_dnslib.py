"""A child of benchmark `dns`: dnslib's own server over a Python set, `python -m benchmarks.dns_dnslib PORT LISTED`.

What a first version with `dnslib.server` would do: blocked names get 0.0.0.0, all others one fixed address.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from dnslib import QTYPE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from benchmarks import names


class Listed(BaseResolver):  # type: ignore[misc]
    """Answer from a set by the bare suffix walk."""

    def __init__(self, listed: set[str]) -> None:
        self._listed = listed

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        name = str(request.q.qname).rstrip(".")
        address = "0.0.0.0" if names.walk(name, self._listed) else "192.0.2.1"
        reply = request.reply()
        reply.add_answer(RR(name, QTYPE.A, rdata=A(address), ttl=10))
        return reply


def main(port: str, listing: str) -> None:
    listed = set(Path(listing).read_text().split())
    quiet = DNSLogger("-request,-reply,-truncated,-error", False)
    server = DNSServer(Listed(listed), address="127.0.0.1", port=int(port), logger=quiet)
    server.start_thread()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main(*sys.argv[1:3])
