"""Find out whether traffic is really intercepted: ask where nobody is, and see whether the gateway answers.

Rules and settings can stand and intercept nothing (a container's own network, another program's rules before ours), so
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
_UNFIT = b"GET / HTTP/1.1\r\nHost: one\r\nHost: another\r\n\r\n"
_REFUSED = b"HTTP/1.1 400"


async def is_intercepted(address: str = PROBE, port: int = _PORT) -> bool:
    """Say whether a connection from this process to an address that nobody has is answered by the gateway."""
    return await _says_again(address, port)


async def answers_as_proxy(scheme: str, host: str, port: int) -> bool:
    """Say whether the gateway is the HTTP proxy here, asked as programs ask for `http`, or for `https` (CONNECT)."""
    if scheme == "https":
        return await _says_again(
            host, port, tunnel=f"CONNECT {PROBE}:{_PORT} HTTP/1.1\r\nHost: {PROBE}:{_PORT}\r\n\r\n"
        )
    return await _says_again(host, port, target=f"http://{_HOST}")


async def is_served(host: str, port: int) -> bool:
    """Say whether a front lives behind an HTTP proxy: it refuses by itself what two programs read in two ways."""
    try:
        return (await _said(host, port, _UNFIT)).startswith(_REFUSED)
    except (OSError, TimeoutError):
        return False


async def _says_again(host: str, port: int, target: str = "", tunnel: str = "") -> bool:
    """Ask for a word to be said again; in a tunnel, its request comes with the tunnel's."""
    word = secrets.token_hex(8)
    request = f"{tunnel}GET {target}{_PATH}{word} HTTP/1.1\r\nHost: {_HOST}\r\nConnection: close\r\n\r\n"
    try:
        return word.encode() in await _said(host, port, request.encode())
    except (OSError, TimeoutError):
        return False


async def _said(host: str, port: int, request: bytes) -> bytes:
    """Return all that is answered; head and body come in parts."""
    async with asyncio.timeout(LIMIT):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.close()
