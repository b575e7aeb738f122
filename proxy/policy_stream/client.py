"""Ask the collector for what follows a number: one long poll at a time. Nothing is kept or decided here."""

from __future__ import annotations

import asyncio
import json
import ssl

import aiohttp

from proxy.policy_stream.told import Told, read_told

WAIT = 25  # seconds that the collector may hold a question
_PATIENCE = 15.0  # seconds beyond that
_MOST_BODY = 64 << 20  # bytes: a page of 1,000 changes with the longest texts


class StreamError(RuntimeError):
    """Say why the collector cannot be heard; the text is fit for the status."""


class StreamClient:
    """Speak to one collector over a kept connection."""

    def __init__(self, url: str, token: str, gateway: str, trust: ssl.SSLContext | None = None) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._gateway = gateway
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, stream: str, after: int, wait: int = WAIT) -> Told:
        """Return what follows `after`, waiting for it. Raises StreamError."""
        query = {"stream": stream, "after": str(after), "wait": str(wait), "gateway": self._gateway}
        try:
            async with (
                asyncio.timeout(wait + _PATIENCE),
                self._opened().get(f"{self._url}/api/v1/policy", params=query, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise StreamError(f"the collector answers {answer.status}{_WHY.get(answer.status, '')}")
                return read_told(json.loads(await _bounded(answer)))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise StreamError(f"the collector cannot be reached: {error or type(error).__name__}") from None
        except (ValueError, RecursionError) as error:
            raise StreamError(f"the collector's answer cannot be read: {error}") from None

    async def close(self) -> None:
        """Close the connection."""
        if self._session:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._trust) if self._trust else None
            headers = {"Authorization": f"Bearer {self._token}"}
            timeout = aiohttp.ClientTimeout(total=None, connect=5)
            self._session = aiohttp.ClientSession(
                connector=connector, headers=headers, timeout=timeout, trust_env=False
            )
        return self._session


_WHY = {
    401: ": it does not know this gateway's token",
    403: ": it does not know this gateway's token",
    404: ": it has no policy stream (an older Seawall?)",
}


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > _MOST_BODY:
            raise ValueError(f"longer than {_MOST_BODY} bytes")
    return bytes(body)
