"""The HTTP implementation of delivery: posts to the collector's API with the gateway token and reads its answers."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from proxy.control import ControlError
from proxy.reporting.outcome import Delivered, Outcome, Rejection, Retry, TooLarge, Unreadable

_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)


class CollectorClient:
    """Speak to one collector over a kept connection."""

    def __init__(self, url: str, token: str, trust: ssl.SSLContext | None = None) -> None:
        """Take the address, the gateway's token, and whom to trust where that is not the usual authorities."""
        self._url = url.rstrip("/")
        self._token = token
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, payloads: Sequence[bytes]) -> Outcome:
        """Post events, each the UTF-8 JSON of one. Never raises for what the network or the collector does."""
        body = b'{"events":[' + b",".join(payloads) + b"]}"
        try:
            async with asyncio.timeout(35), self._post("/api/v1/events", body) as answer:
                return _outcome(answer.status, answer.headers, await answer.read(), len(payloads))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return Retry(f"the collector at {self._url} cannot be reached: {error or type(error).__name__}")

    async def tell_status(self, status: Mapping[str, Any]) -> str:
        """Post this gateway's status; return an empty string, or what went wrong."""
        body = json.dumps(status, default=str).encode()
        try:
            async with asyncio.timeout(10), self._post("/api/v1/gateways/status", body) as answer:
                return "" if answer.status < 300 else f"the collector answers {answer.status} to the gateway's status"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return f"the collector at {self._url} cannot be reached: {error or type(error).__name__}"

    async def tell_coverage(self, gateway: str, reports: Sequence[Mapping[str, Any]]) -> str:
        """Post how devices are covered; return an empty string, or what went wrong."""
        body = json.dumps({"gateway": gateway, "devices": reports}).encode()
        try:
            async with asyncio.timeout(10), self._post("/api/v1/coverage", body) as answer:
                return "" if answer.status < 300 else f"the collector answers {answer.status} to devices' coverage"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return f"the collector at {self._url} cannot be reached: {error or type(error).__name__}"

    async def ask_access(self, asked: Mapping[str, Any]) -> str:
        """Hand in a request for access; return its status. Raises ControlError, since a person waits for the answer."""
        try:
            async with asyncio.timeout(8), self._post("/api/v1/access-requests", json.dumps(asked).encode()) as answer:
                if answer.status not in (200, 201):
                    raise ControlError(f"the collector answers {answer.status} to a request for access")
                return str((await answer.json()).get("status", "pending"))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            reason = error or type(error).__name__
            raise ControlError(f"the collector at {self._url} cannot be reached: {reason}") from None

    async def close(self) -> None:
        """Close the connection."""
        if self._session:
            await self._session.close()

    def _post(self, path: str, body: bytes) -> aiohttp.client._RequestContextManager:
        if self._session is None:
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            connector = aiohttp.TCPConnector(ssl=self._trust) if self._trust else None
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=_TIMEOUT, headers=headers, trust_env=False
            )
        return self._session.post(self._url + path, data=body, allow_redirects=False)


def _outcome(status: int, headers: Mapping[str, str], body: bytes, sent: int) -> Outcome:
    if status == 200:
        return _delivered(body, sent)
    if status == 413:
        return TooLarge()
    if status == 400:
        return Unreadable(body[:200].decode(errors="replace"))
    after = headers.get("Retry-After", "")
    reason = f"the collector answers {status}"
    if status in (401, 403):
        reason += ": it does not know this gateway's token"
    return Retry(reason, float(after) if after.isdigit() else 0.0)


def _delivered(body: bytes, sent: int) -> Outcome:
    """Read the receipt; one that does not account for every event is no receipt."""
    try:
        receipt = json.loads(body)
        rejected = tuple(Rejection(int(each["index"]), str(each["error"])) for each in receipt["rejected"])
        accounted = receipt["accepted"] + receipt["duplicates"] + len(rejected)
    except (ValueError, KeyError, TypeError) as error:
        return Retry(f"the collector's receipt cannot be read: {error!r}")
    if accounted != sent or not all(0 <= each.index < sent for each in rejected):
        return Retry("the collector's receipt does not account for all events")
    return Delivered(rejected)
