"""A child of benchmark `dns`: the upstream that all resolvers ask, `python -m benchmarks.dns_authority PORT`.

It answers any A question with one address and a long TTL, from the question's own bytes.
"""

from __future__ import annotations

import asyncio
import sys

_ANSWER = bytes.fromhex("c00c 0001 0001 0000 0e10 0004 c000 0201")  # the question's name, A, IN, 3600 s, 192.0.2.1


class Authority(asyncio.DatagramProtocol):
    """Answer each datagram at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(0, 12) + 5
        head = data[:2] + bytes.fromhex("8580 0001 0001 0000 0000")
        self._transport.sendto(head + data[12:end] + _ANSWER, addr)


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Authority, local_addr=("127.0.0.1", port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
