"""Answer the collector's questions (*why was this blocked?*) by this gateway's own policy, its snapshot and overlay.

The gateway asks for questions and waits, so that the collector never needs to reach it. Nothing waits for this part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import aiohttp
import structlog

from indicators.observation import Device
from indicators.words import IdentifiedBy
from proxy.checking.answer import answer, failure
from proxy.checking.target import observation
from proxy.collector_link import CollectorLink
from proxy.policy import LivePolicy

_WAIT = 25  # seconds that the collector may hold a poll
_TIMEOUT = aiohttp.ClientTimeout(total=_WAIT + 10, connect=5)
_PAUSES = (1.0, 2.0, 5.0, 15.0)  # seconds before asking again after a failure

log = structlog.get_logger("answering")


class Answering:
    """Take questions and answer them until cancelled. `name` is this gateway's id, `mode` its policy's mode."""

    def __init__(
        self, link: CollectorLink, name: str, policy: LivePolicy, mode: str, clock: Callable[[], datetime]
    ) -> None:
        self._url, self._token, self._name = link.url.rstrip("/"), link.token, name
        self._trust = link.trust
        self._policy, self._mode, self._clock = policy, mode, clock

    async def run(self) -> None:
        """Poll for ever."""
        failures = 0
        headers = {"Authorization": f"Bearer {self._token}"}
        connector = aiohttp.TCPConnector(ssl=self._trust) if self._trust else None
        async with aiohttp.ClientSession(
            connector=connector, timeout=_TIMEOUT, headers=headers, trust_env=False
        ) as session:
            while True:
                try:
                    await self._turn(session)
                    failures = 0
                except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
                    log.debug("questions cannot be had", reason=str(error) or type(error).__name__)
                    await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                    failures += 1

    async def _turn(self, session: aiohttp.ClientSession) -> None:
        asked = {"gateway": self._name, "wait": str(_WAIT)}
        async with session.get(f"{self._url}/api/v1/questions", params=asked, allow_redirects=False) as found:
            found.raise_for_status()
            questions = (await found.json())["questions"]
        for question in questions:
            body = {"gateway": self._name, "answer": self.answer(question)}
            address = f"{self._url}/api/v1/questions/{question['id']}"
            async with session.post(address, json=body, allow_redirects=False) as taken:
                log.debug("answered", status=taken.status)

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Return the verdict on a question's target, as a device gets it that sends us everything."""
        target = str(question["target"])
        try:
            seen = observation(target, _device(question["device"]))
        except ValueError as error:
            return failure(target, str(error)) | {"action": None, "reason": ""}
        self._policy.load()
        verdict = self._policy.judge(seen)
        paused = self._policy.overlay.paused_until
        return answer(target, verdict) | {
            "host": seen.hosts[0] if seen.hosts else "",
            "mode": self._mode,
            "paused": bool(paused and paused > self._clock()),
            "inspects": self._policy.trusts_ca(seen.device),
        }


def _device(body: Mapping[str, Any]) -> Device:
    known = IdentifiedBy(body["identified_by"]) if body.get("identified_by") else IdentifiedBy.ADDRESS
    return Device(str(body["id"]), str(body.get("name", "")), str(body.get("group", "default")), known)
