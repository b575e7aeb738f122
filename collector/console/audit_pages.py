"""The page of the audit log: who changed what, newest first, a page at a time."""

from __future__ import annotations

from aiohttp import web

from collector.audit.log import list_entries
from collector.console.places import number_after
from collector.console.rendering import page
from collector.web.parts import PARTS

_ROWS = 100


async def listed(request: web.Request) -> web.Response:
    """Show entries; `who` and `what` narrow them down."""
    who, what = request.query.get("who", "")[:256], request.query.get("what", "")[:64]
    below = number_after(request)
    rows = await request.app[PARTS].database.ask(
        lambda connection: list_entries(connection, top=_ROWS + 1, below=below, who=who, what=what)
    )
    following = rows[_ROWS - 1]["seq"] if len(rows) > _ROWS else None
    return page(request, "audit.html", entries=rows[:_ROWS], following=following, who=who, what=what)
