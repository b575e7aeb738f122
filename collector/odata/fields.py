"""What may be filtered and sorted by, and how a condition on it becomes SQL. No table of ours is known here."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, false, not_, or_

from collector.odata.conditions import Comparison, Condition, Joined, Negated, parse
from collector.odata.words import Literal, ODataError

type Clause = ColumnElement[bool]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


@dataclass(frozen=True, slots=True)
class Field:
    """Describe one field: its column, and how a literal becomes the column's value (ValueError says what it may be).

    `element` makes the condition for `any`, where the field is a list. `sorts` says whether it may stand in `$orderby`.
    `through` turns a condition that some value meets into one on the row's own columns, where the value stands in
    another table: an index finds the rows then, and a row without such a value meets no such condition.
    """

    column: ColumnElement[Any]
    read: Callable[[Literal], object]
    element: Callable[[object], Clause] | None = None
    sorts: bool = True
    through: Callable[[Clause], Clause] | None = None


def text(value: Literal) -> object:
    """Read a text, or nothing."""
    if value is None or isinstance(value, str):
        return value
    raise ValueError("a text in single quotes")


def instant(value: Literal) -> object:
    """Read a time, also one that stands in quotes."""
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, str):
        when = datetime.fromisoformat(value)
        if when.tzinfo is not None:
            return when
    raise ValueError("a time such as 2026-11-23T12:00:00Z")


def number(value: Literal) -> object:
    """Read a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("a whole number")


def flag(value: Literal) -> object:
    """Read true or false, also in quotes: Defender's own examples write 'true'."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError("true or false")


def one_of(words: Mapping[str, object]) -> Callable[[Literal], object]:
    """Return a reader of words in any letter case; each stands for the value it is kept as."""
    known = {word.lower(): value for word, value in words.items()}

    def read(value: Literal) -> object:
        if value is None:
            return None
        if isinstance(value, str) and value.lower() in known:
            return known[value.lower()]
        raise ValueError("one of " + ", ".join(f"'{word}'" for word in words))

    return read


def where(filter_text: str, fields: Mapping[str, Field]) -> Clause:
    """Return the SQL of a `$filter`. Raises ODataError naming the character, and the field or value that is wrong."""
    return _clause(parse(filter_text), fields)


def _clause(condition: Condition, fields: Mapping[str, Field]) -> Clause:
    match condition:
        case Negated():
            return not_(_clause(condition.part, fields))
        case Joined():
            parts = [_clause(part, fields) for part in condition.parts]
            return and_(*parts) if condition.word == "and" else or_(*parts)
        case Comparison():
            return _compared(condition, fields)


def _compared(asked: Comparison, fields: Mapping[str, Field]) -> Clause:
    field = fields.get(asked.field)
    if field is None:
        raise ODataError(asked.at, f"there is no field {asked.field[:40]!r}; expected one of {', '.join(fields)}")
    if (asked.operator == "any") != (field.element is not None):
        form = f"{asked.field}/any(x: x eq 'value')" if field.element else f"{asked.field} eq …"
        raise ODataError(asked.at, f"expected {form}")
    try:
        values = [field.read(literal) for literal in asked.literals]
    except ValueError as error:
        raise ODataError(asked.value_at, f"{asked.field}: expected {error}") from None
    if field.element is not None:
        return field.element(values[0])
    clause = _sql(field, asked, values)
    some_value = asked.operator != "ne" and None not in values
    return field.through(clause) if field.through and some_value else clause


def _sql(field: Field, asked: Comparison, values: list[object]) -> Clause:
    column, value = field.column, values[0]
    if asked.operator == "in":
        return column.in_(values) if values else false()
    if asked.operator in ("eq", "ne"):
        same = column.is_(None) if value is None else column == value
        # OData: `ne` is true of what has no value; SQL would leave it out.
        return (
            same
            if asked.operator == "eq"
            else (column.is_not(None) if value is None else not_(same) | column.is_(None))
        )
    if value is None:
        raise ODataError(asked.value_at, f"{asked.field}: null can only be compared by eq and ne")
    if asked.operator in _COMPARE:
        compared: Clause = _COMPARE[asked.operator](column, value)
        return compared
    if not isinstance(value, str) or field.read is not text:
        raise ODataError(asked.at, f"{asked.field}: {asked.operator} is for texts")
    return _like(cast(column, Text), asked.operator, value)


def _like(column: ColumnElement[Any], function: str, value: str) -> Clause:
    if function == "startswith":
        return column.istartswith(value, autoescape=True)
    if function == "endswith":
        return column.iendswith(value, autoescape=True)
    return column.icontains(value, autoescape=True)


def order(orderby: str, fields: Mapping[str, Field]) -> list[ColumnElement[Any]]:
    """Return the SQL of an `$orderby` such as `severity desc, id`. Raises ODataError."""
    found: list[ColumnElement[Any]] = []
    at = 1
    for part in orderby.split(","):
        name, *rest = part.split() or [""]
        direction = rest[0].lower() if rest else "asc"
        if name not in fields or not fields[name].sorts:
            can = ", ".join(key for key, field in fields.items() if field.sorts)
            raise ODataError(at, f"cannot sort by {name[:40]!r}; expected one of {can}")
        if len(rest) > 1 or direction not in ("asc", "desc"):
            raise ODataError(at, f"{name}: expected asc or desc, got {' '.join(rest)[:40]!r}")
        found.append(fields[name].column.desc() if direction == "desc" else fields[name].column.asc())
        at += len(part) + 1
    return found
