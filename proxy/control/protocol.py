"""The lines of the control socket: their form and limits, both ways. No socket is opened here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MAX_REQUEST = 64 * 1024  # bytes, the line's end included
MAX_REPLY = 16 * 1024 * 1024  # bytes; a `hello` answers with the whole configuration


class ControlError(RuntimeError):
    """Say why the supervisor refused, or that it cannot be reached; the text is fit for a person."""


def encode(body: Mapping[str, Any]) -> bytes:
    """Return one line."""
    return json.dumps(body, separators=(",", ":"), default=str).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Read one line. Raises ControlError when it is not a JSON object."""
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        raise ControlError("expected a JSON object a line") from None
    if not isinstance(body, dict):
        raise ControlError(f"expected a JSON object, got {type(body).__name__}")
    return body


def text_field(fields: Mapping[str, Any], name: str, *, limit: int = 4096, optional: bool = False) -> str:
    """Take a string out of a request. Raises ControlError naming the field."""
    value = fields.get(name, "" if optional else None)
    if not isinstance(value, str) or (not value and not optional) or len(value) > limit:
        raise ControlError(f"{name}: expected a string of 1 to {limit} characters")
    return value


def number_field(fields: Mapping[str, Any], name: str, *, least: int, most: int) -> int:
    """Take a whole number out of a request. Raises ControlError naming the field and its bounds."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ControlError(f"{name}: expected a whole number from {least} to {most}")
    return value
