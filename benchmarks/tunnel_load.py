"""A child of benchmark `wireguard`: new TLS connections to an address behind a tunnel.

`python -m benchmarks.tunnel_load ADDRESS PORT SECONDS IN_FLIGHT`

Each sends a ClientHello, waits for the ServerHello and drops. Prints connections a second and the number that failed.
"""

from __future__ import annotations

import sys

import uvloop

from benchmarks.connect_load import Load

NAME = "bulk.test"


def main(address: str, port: str, seconds: str, in_flight: str) -> None:
    load = Load(int(port), 0, NAME, address)
    reached = uvloop.run(load.run(float(seconds), int(in_flight)))
    print(f"{reached:.1f} {load.failed}")


if __name__ == "__main__":
    main(*sys.argv[1:5])
