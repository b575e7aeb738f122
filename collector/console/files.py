"""The console's style sheet, script and icon: the only files served, each by name."""

from __future__ import annotations

from aiohttp import web

from collector.console.rendering import ASSETS
from collector.web.errors import Refused

_TYPES = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}


async def asset(request: web.Request) -> web.Response:
    """Serve one of the three files; they hold no secret, so no session is asked for."""
    name = request.match_info["name"]
    if name not in _TYPES:
        raise Refused(404, "there is no such file")
    text = (ASSETS / name).read_text("utf-8")
    headers = {"Cache-Control": "no-cache"}
    return web.Response(text=text, content_type=_TYPES[name], charset="utf-8", headers=headers)
