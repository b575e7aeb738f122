"""Column types that are the same on SQLite and PostgreSQL, and how JSON is written. Our tables are not known here."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, SmallInteger
from sqlalchemy.types import TypeDecorator

from indicators.words import Severity

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RANKS: dict[Severity | None, int | None] = {severity: rank for rank, severity in enumerate(Severity)} | {None: None}
_SEVERITIES = {rank: severity for severity, rank in _RANKS.items()}

Sequence = BigInteger().with_variant(Integer, "sqlite")
"""A growing row number: SQLite numbers rows by itself only where the type is spelt INTEGER."""


@lru_cache(maxsize=1 << 14)  # the time of an event stands in many columns, the time of a batch in every row
def milliseconds(when: datetime | None) -> int | None:
    """Return an aware time as whole milliseconds since 1970, rounded down. Raises TypeError for one without offset."""
    if when is None:
        return None
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

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:
        """Turn a time into its number. It is asked for eight times an event: nothing of SQLAlchemy's is in between."""
        return milliseconds

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], datetime | None]:
        """Turn the number back into an aware UTC time."""
        return _instant


def _instant(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(milliseconds=value)


class SeverityRank(TypeDecorator[Severity]):
    """Keep a severity as its rank, 0 for informational, so that SQL can order and compare severities."""

    impl = SmallInteger
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Severity | None], int | None]:
        """Turn a severity into its rank."""
        return _RANKS.__getitem__

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], Severity | None]:
        """Turn the rank back into a severity."""
        return _SEVERITIES.__getitem__
