"""`POST /api/v1/events`: take a batch of verdict events, answer when it is committed."""

from __future__ import annotations

import asyncio

from aiohttp import web

from collector.delivery import Batch, TooManyEventsError, read_batch
from collector.store.ingest import record
from collector.web.errors import Refused
from collector.web.parts import PARTS, Parts

_JSON = ("application/json",)
_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")


async def post(request: web.Request) -> web.Response:
    """Answer 200 with `accepted`, `duplicates` and `rejected`: together they are what was sent, and it is safe.

    400: not the announced form; 413: split the batch; 415: another media type; 429 and 503: send it again later.
    """
    parts = request.app[PARTS]
    lines = _is_lines(request.content_type)
    async with parts.intake.place():
        body = await parts.intake.read(request)
        async with parts.intake.turn:
            batch = await _decode(body, parts, lines=lines)
            kept = await record(parts.database, batch.events, parts.clock(), parts.settings.retention, batch.refused())
    if kept.accepted or batch.rejected:
        parts.live.changed()
    rejected = [{"index": row.index, "id": row.id, "error": row.error} for row in batch.rejected]
    return web.json_response({"accepted": kept.accepted, "duplicates": kept.duplicates, "rejected": rejected})


def _is_lines(content_type: str) -> bool:
    if content_type not in _JSON + _LINES:
        raise Refused(415, f"Content-Type: expected {_JSON[0]} or {_LINES[0]}, got {content_type:.60}")
    return content_type in _LINES


async def _decode(body: bytes, parts: Parts, *, lines: bool) -> Batch:
    """Read the batch in a thread: a large one takes long enough to make a page wait."""
    try:
        return await asyncio.to_thread(read_batch, body, lines=lines, most=parts.settings.limits.events)
    except TooManyEventsError as error:
        raise Refused(413, str(error)) from None
    except ValueError as error:
        raise Refused(400, str(error)) from None
