"""Read the JSON body of a change: bounded, an object, and nothing that a database cannot keep."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from collector.delivery import storable
from collector.web.errors import Refused

MOST = 1 << 20  # bytes


async def json_object(request: web.Request, most: int = MOST) -> dict[str, Any]:
    """Return the body's object. Raises Refused: 400 for another form, 413 for one that is too large, 415 otherwise."""
    if request.content_type != "application/json":
        raise Refused(415, f"Content-Type: expected application/json, got {request.content_type:.60}")
    if (request.content_length or 0) > most:
        raise Refused(413, f"body: larger than {most} bytes")
    try:
        found = parsed(await _octets(request, most))
    except (ValueError, RecursionError):
        raise Refused(400, "body: not JSON") from None
    if not isinstance(found, dict):
        raise Refused(400, "body: expected an object")
    kept: dict[str, Any] = found
    return kept


def parsed(body: bytes) -> Any:
    r"""Parse JSON; what no database keeps becomes U+FFFD. Raises ValueError or RecursionError.

    >>> parsed(b'{"a\\u0000": ["\\ud800"]}')
    {'a\ufffd': ['\ufffd']}
    """
    return storable(json.loads(body))


async def _octets(request: web.Request, most: int) -> bytes:
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        if len(body) > most:
            raise Refused(413, f"body: larger than {most} bytes")
    return bytes(body)
