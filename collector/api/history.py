"""`POST /api/v1/history/test`: what some indicators would have changed in the kept history."""

from __future__ import annotations

from aiohttp import web

from collector.history.dry_run import dry_run
from collector.web.errors import Refused
from collector.web.parts import PARTS
from indicators import overlay

_MOST = 15_000  # indicators


async def test(request: web.Request) -> web.Response:
    """Take indicators in the form of an overlay and answer counts. Nothing is kept or changed."""
    parts = request.app[PARTS]
    async with parts.intake.place():
        body = await parts.intake.read(request)
    try:
        indicators = overlay.from_json(body).indicators
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"indicators: {error}") from None
    if not 0 < len(indicators) <= _MOST:
        raise Refused(400, f"indicators: expected 1 to {_MOST}, got {len(indicators)}")
    return web.json_response(await dry_run(parts.database, indicators, parts.settings.privacy_key, parts.clock()))
