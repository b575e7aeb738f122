"""Read what a form sends: one that cannot be read is refused, and nothing that a database cannot keep comes through."""

from __future__ import annotations

from aiohttp import web
from aiohttp.web_request import FileField
from multidict import MultiDictProxy

from collector.delivery import storable
from collector.web.errors import Refused

type Form = MultiDictProxy[str | bytes | bytearray | FileField]

_LONGEST = 8192  # characters of one field


async def form_of(request: web.Request) -> Form:
    """Return the form's fields. Raises Refused (400) for octets that its charset does not have, or parts without end.

    aiohttp reads it once; later calls get the same.
    """
    try:
        return await request.post()
    except (ValueError, LookupError, AssertionError):  # UnicodeDecodeError is a ValueError
        raise Refused(400, "form: cannot be read; expected UTF-8, as its Content-Type says") from None


def field(form: Form, name: str) -> str:
    """Return a text field; empty where it is missing or a file."""
    return _text(form.get(name, ""))


def fields(form: Form, name: str) -> list[str]:
    """Return every value of a field that may be given several times."""
    return [_text(value) for value in form.getall(name, []) if isinstance(value, str)]


def _text(value: object) -> str:
    return str(storable(value[:_LONGEST])) if isinstance(value, str) else ""
