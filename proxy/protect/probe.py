"""Find out whether traffic is really intercepted: connect where nobody is, and see whether the gateway answers.

Rules can stand in the kernel and intercept nothing (a container's own network, another program's rules before ours), so
nothing but an answer counts. It must come from our front: its page bears a word that was made for this one question.
"""

from __future__ import annotations

import asyncio
import secrets

from proxy.protect.rules import PROBE

LIMIT = 8.0  # seconds
_PORT = 80
_PATH = "/.seawall/probe/"  # as `addons/reserved_hosts.py` serves it, which would load all of mitmproxy here
_HOST = "seawall.internal"


async def is_intercepted(address: str = PROBE, port: int = _PORT) -> bool:
    """Say whether a connection from this process to an address that nobody has is answered by the gateway."""
    word = secrets.token_hex(8)
    request = f"GET {_PATH}{word} HTTP/1.1\r\nHost: {_HOST}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(LIMIT):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                writer.write(request.encode())
                return word.encode() in await reader.read()  # head and body come in parts
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
