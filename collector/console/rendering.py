"""Turn templates into answers. Every value is escaped by jinja2; nothing here or in a template marks text as safe."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from collector.console.forms import DONE, onward
from collector.resources import stamp
from collector.web.access import Access
from collector.web.errors import Refused, with_headers
from collector.web.guards import nonce_of
from collector.web.parts import CALLER, PARTS

_FOLDER = Path(__file__).resolve().parent
ASSETS = _FOLDER / "assets"
_UNITS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))


def ago(when: datetime | None, now: datetime) -> str:
    """Say how long ago something was, in one unit.

    >>> from datetime import UTC
    >>> ago(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 2, 30, tzinfo=UTC))
    '2 h ago'
    """
    if when is None:
        return "never"
    for unit, name in _UNITS:
        if now - when >= unit:
            return f"{(now - when) // unit} {name} ago"
    return "just now"


def grouped(number: int) -> str:
    """Write a number with thin spaces between thousands.

    >>> grouped(1234567)
    '1\u202f234\u202f567'
    """
    return f"{number:,}".replace(",", "\u202f")


def _json_text(value: object) -> str:
    """Write a value as JSON text, to be escaped like any other (jinja2's own `tojson` marks its result as safe)."""
    return json.dumps(value, ensure_ascii=False, default=str)


def readable(text: str) -> str:
    """Write a time as the API writes it, `T` and `Z` spelt out, for who reads it without our script.

    >>> readable("2026-11-23T12:00:00.000Z")
    '2026-11-23 12:00:00.000 UTC'
    """
    return text.replace("T", " ").replace("Z", " UTC")


class _Templates(Environment):
    """Read `value.name` of a dictionary as its entry: jinja2 looks for an attribute first, and fails each time."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return the entry, or what jinja2 finds."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def _environment() -> Environment:
    made = _Templates(
        auto_reload=False,  # else it looks at each file each time that it is used
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(ago=ago, grouped=grouped, readable=readable, stamp=stamp, tojson_text=_json_text)
    return made


_TEMPLATES = _environment()


def page(request: web.Request, name: str, /, status: int = 200, **values: Any) -> web.Response:
    """Render a page with what every page needs: nonce, clock, and the caller's CSRF token."""
    caller = request.get(CALLER)
    shared = {
        "nonce": nonce_of(request),
        "now": request.app[PARTS].clock(),
        "csrf": caller.csrf if caller else "",
        "path": request.path,
        "caller": caller,
        "Access": Access,
        "done": DONE.get(request.query.get("done", ""), ""),
    }
    text = _TEMPLATES.get_template(name).render(shared | values)
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)


def error_page(request: web.Request, refused: Refused) -> web.Response:
    """Answer an error to a person; without a session, say how to get one."""
    name = "login.html" if refused.status == 401 else "error.html"
    here = request.path if request.method == "GET" else "/"
    values = {"refused": refused, "name": "", "onward": "/" if here == "/login" else onward(here)}
    return with_headers(page(request, name, refused.status, **values), refused)
