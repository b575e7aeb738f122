"""Ask the collector for a link that hands an enrolment out once; what it holds stays in the collector's memory."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from proxy.collector_link import CollectorLink
from proxy.enrolment.kit import HandedFile

_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Offering:
    """Hold what a link hands out: files, and the words that a person types with their values."""

    device: str
    files: Iterable[HandedFile]
    lines: Mapping[str, str]
    lasts: timedelta


async def link_for(offering: Offering, collector: CollectorLink) -> str:
    """Return the link. Raises ConnectionError saying what to do when the collector gives none."""
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    headers = {"Authorization": f"Bearer {collector.token}"}
    address = f"{collector.url.rstrip('/')}/api/v1/enrolments"
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers, trust_env=False) as session,
            session.post(address, json=_body(offering), ssl=collector.trust or True) as answer,
        ):
            body = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        raise ConnectionError(f"the collector at {collector.url} does not answer: see `seawall status`") from None
    if answer.status != 201 or not isinstance(body, dict):
        raise ConnectionError(f"the collector at {collector.url} gave no link (HTTP {answer.status})")
    return str(body["url"])


def _body(offering: Offering) -> dict[str, object]:
    files = [
        {
            "name": file.name,
            "media": file.media,
            "purpose": file.purpose,
            "body": base64.b64encode(file.body).decode("ascii"),
        }
        for file in offering.files
    ]
    seconds = int(offering.lasts.total_seconds())
    return {"device": offering.device, "files": files, "lines": dict(offering.lines), "seconds": seconds}
