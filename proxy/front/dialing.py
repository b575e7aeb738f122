"""Dial one of the judged addresses, and no other: happy eyeballs among them (RFC 8305), ten seconds in all."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

import aiohappyeyeballs

from indicators.observation import Address

LIMIT = 10.0  # seconds
_STAGGER = 0.25  # seconds before the next address is tried beside the last


async def dial(addresses: Sequence[Address], port: int, protocol: asyncio.BaseProtocol) -> None:
    """Connect `protocol` to the first address that answers. Raises OSError or TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LIMIT):
        if len(addresses) == 1:
            await loop.create_connection(lambda: protocol, str(addresses[0]), port)
            return
        chosen = await aiohappyeyeballs.start_connection(
            [_info(address, port) for address in addresses], happy_eyeballs_delay=_STAGGER
        )
        await loop.create_connection(lambda: protocol, sock=chosen)


def _info(address: Address, port: int) -> aiohappyeyeballs.AddrInfoType:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    where = (str(address), port) if address.version == 4 else (str(address), port, 0, 0)
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)
