"""Send notices to a webhook: one signed request for a batch; redirects are not followed. No retry here (`dispatch.py`).

`X-Seawall-Signature: t=<seconds>,v1=<hex>` is HMAC-SHA256 under the output's secret over `<seconds>.<body>`. The
delivery id stays the same when a batch is sent again, so that a receiver can tell a repeat.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from collector.outputs.addresses import OutputResolver
from collector.outputs.notice import Notice
from collector.outputs.settings import Format, OutputSettings, Send
from collector.resources import stamp
from indicators.addresses import is_private_by_spelling

_SECONDS = 15.0  # for one request


class RefusedError(Exception):
    """Say that a receiver will not take these notices however often they are sent."""


class BusyError(Exception):
    """Say that a receiver asks us to come later; `seconds` if it says when."""

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


def signature(secret: bytes, seconds: int, body: bytes) -> str:
    """Return the value of the signature's header."""
    digest = hmac.new(secret, b"%d.%s" % (seconds, body), hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


class Webhook:
    """Keep one session to one receiver."""

    most = 100

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings
        private = is_private_by_spelling(urlsplit(settings.url).hostname or "")
        context = ssl.create_default_context()
        if settings.trust:
            context.load_verify_locations(settings.trust)
        connector = aiohttp.TCPConnector(resolver=OutputResolver(private=private), ssl=context, use_dns_cache=False)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=_SECONDS))

    async def send(self, notices: Sequence[Notice], now: datetime) -> None:
        """Deliver a batch. Raises RefusedError, BusyError, OSError, TimeoutError or aiohttp.ClientError."""
        if self._settings.format is Format.CAEP:
            for notice in notices:
                if token := notice.body.get("set"):
                    await self._post(str(token).encode(), {"Content-Type": "application/secevent+jwt"})
            return
        body = json.dumps(_body(notices, now), separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "X-Seawall-Delivery": delivery_id(notices)}
        headers["X-Seawall-Signature"] = signature(self._settings.secret, int(now.timestamp()), body)
        await self._post(body, headers)

    async def _post(self, body: bytes, headers: dict[str, str]) -> None:
        async with self._session.post(self._settings.url, data=body, headers=headers, allow_redirects=False) as answer:
            if 200 <= answer.status < 300:
                return
            words = f"answered {answer.status} {answer.reason or ''}".rstrip()
            if answer.status in (408, 425, 429) or answer.status >= 500:
                wait = answer.headers.get("Retry-After", "")
                raise BusyError(words, min(float(wait), 3600.0) if wait.isascii() and wait.isdigit() else 0.0)
            raise RefusedError(words)

    async def close(self) -> None:
        """Close the session and give its sockets a turn to end."""
        await self._session.close()
        await asyncio.sleep(0)


def delivery_id(notices: Sequence[Notice]) -> str:
    """Return an id that follows from what is in a batch."""
    key = ",".join(f"{notice.kind}-{notice.seq}" for notice in notices)
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _body(notices: Sequence[Notice], now: datetime) -> dict[str, Any]:
    names = {Send.ALERTS: "alert", Send.RISK: "risk", Send.AUDIT: "audit"}
    told = [
        {"kind": notice.kind, "time": stamp(notice.time), names[notice.kind]: dict(notice.body)} for notice in notices
    ]
    return {"id": delivery_id(notices), "sent": stamp(now), "notices": told}
