"""Column types that are the same on SQLite and PostgreSQL, and how JSON is written. Our tables are not known here."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, SmallInteger
from sqlalchemy.types import TypeDecorator

from indicators.words import Severity

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
_SEVERITIES = tuple(Severity)

Sequence = BigInteger().with_variant(Integer, "sqlite")
"""A growing row number: SQLite numbers rows by itself only where the type is spelt INTEGER."""


@lru_cache(maxsize=1 << 14)  # the time of an event stands in many columns, the time of a batch in every row
def milliseconds(when: datetime) -> int:
    """Return an aware time as whole milliseconds since 1970, rounded down."""
    since = when - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class JsonText(str):
    """Hold JSON that is written already: a JSON column takes it as it is."""

    __slots__ = ()


def json_text(value: Any) -> JsonText:
    """Write a value, which has no circles, as JSON; what is written already stays."""
    return value if isinstance(value, JsonText) else JsonText(_ENCODE(value))


class Instant(TypeDecorator[datetime]):
    """Keep an aware UTC time as milliseconds since 1970: sorted, compared and divided alike by both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Turn a time into its number. Raises TypeError for a time without an offset."""
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Turn the number back into an aware UTC time."""
        return None if value is None else _EPOCH + timedelta(milliseconds=value)


class SeverityRank(TypeDecorator[Severity]):
    """Keep a severity as its rank, 0 for informational, so that SQL can order and compare severities."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Severity | None, dialect: Dialect) -> int | None:
        """Turn a severity into its rank."""
        return None if value is None else _RANKS[value]

    def process_result_value(self, value: int | None, dialect: Dialect) -> Severity | None:
        """Turn the rank back into a severity."""
        return None if value is None else _SEVERITIES[value]
