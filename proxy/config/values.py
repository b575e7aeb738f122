"""What a value in `config.yaml` may be: durations, addresses, ports. How each is read, checked and written again.

No section and no key stands here; those are in `sections/`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyAddress,
    IPvAnyNetwork,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(text: object) -> timedelta:
    """Read a duration such as `90s`, `5m`, `1h`, `7d` or `2w`; a bare number is refused, because its unit is a guess.

    >>> parse_duration("1h")
    datetime.timedelta(seconds=3600)
    """
    if isinstance(text, timedelta):
        return text
    found = re.fullmatch(r"(\d{1,6})\s*([smhdw])", str(text).strip().lower())
    if not found:
        raise ValueError(f"expected a duration such as 30s, 5m, 1h or 7d, got {text!r}")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def format_duration(duration: timedelta) -> str:
    """Write a duration in the largest unit that keeps it whole.

    >>> format_duration(timedelta(hours=24))
    '1d'
    """
    seconds = round(duration.total_seconds())
    unit = next(unit for unit in "wdhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _written(value: object) -> object:
    if isinstance(value, bool | int | float):
        raise PydanticCustomError("number_as_address", "expected an address, got a number")
    return value


def whole_number(value: object) -> object:
    """Refuse `true` and `false` where a number belongs: pydantic would read them as 1 and 0."""
    if isinstance(value, bool):
        raise PydanticCustomError("boolean_as_number", "expected a whole number, got a boolean")
    return value


def _url(value: str) -> str:
    if not re.match(r"https?://[^\s/]", value):
        raise ValueError(f"expected an http:// or https:// address, got {value!r}")
    return value


def _collector_url(value: str) -> str:
    return value if value == "embedded" else _url(value)


def _public_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+/?", value):
        raise ValueError(f"expected an address without a path, such as https://seawall.corp.example, got {value!r}")
    return value.rstrip("/").removesuffix(":443" if value.startswith("https:") else ":80")


def _upstream(value: str) -> str:
    if re.match(r"(?:quic|sdns|http)://", value):
        raise ValueError(f"upstreams are asked over UDP, TCP, TLS and HTTPS only, so {value!r} cannot be used")
    if not re.fullmatch(r"(?:(?:udp|tcp|tls)://)?[^\s/]+|https://[^\s/]+(?:/\S*)?", value):
        raise ValueError(f"expected `system` or an address such as 9.9.9.9 or 10.0.0.53:5353, got {value!r}")
    return value


Address = Annotated[IPvAnyAddress, BeforeValidator(_written)]
Network = Annotated[IPvAnyNetwork, BeforeValidator(_written)]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^\s*[0-9]{1,6}\s*[smhdwSMHDW]\s*$", "examples": ["30s", "1h"]}),
]
HttpUrl = Annotated[str, AfterValidator(_url)]
CollectorUrl = Annotated[str, AfterValidator(_collector_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Upstream = Annotated[str, AfterValidator(_upstream)]
Port = Annotated[int, Field(ge=0, le=65535), BeforeValidator(whole_number)]


class Section(BaseModel):
    """Refuse unknown keys everywhere: a misspelt key would otherwise be a setting that silently does nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)
