"""Run one statement for many rows, the way that costs least on each database. No statement stands here.

SQLAlchemy builds a set of parameters for each row anew, which took half of all ingest. SQLite gets the statement once
and the rows as tuples; PostgreSQL gets a statement that reads all rows from arrays: it runs once, not once for each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    Dialect,
    Executable,
    Insert,
    String,
    TableValuedAlias,
    Text,
    Update,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.visitors import iterate, replacement_traverse
from sqlalchemy.types import TypeDecorator, TypeEngine

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

type Row = dict[str, Any]

_STATEMENTS = 64  # that are kept as they are sent; ingest has a dozen, each made once


async def run_many(connection: AsyncConnection, statement: Insert | Update, rows: Sequence[Row]) -> None:
    """Execute a statement for each row; its parameters are named like the rows' values, which are alike in names.

    An INSERT without values takes its columns from the rows. No two rows may change the same one: PostgreSQL sees all
    at once. Nothing is returned: ask before, or count after.
    """
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        asked, types = _arrayed(statement, names)
        arrays = {name: _processed(connection, type_, [row[name] for row in rows]) for name, type_ in types.items()}
        await connection.execute(asked, arrays)
        return
    compiled = _compiled(statement, names, connection.dialect)
    columns = [_values(compiled, name, rows) for name in compiled.positiontup or ()]
    await connection.exec_driver_sql(str(compiled), list(zip(*columns, strict=False)))


@lru_cache(maxsize=_STATEMENTS)
def _compiled(statement: Insert | Update, names: tuple[str, ...], dialect: Dialect) -> SQLCompiler:
    """Compile a statement for SQLite, once for each that is made once."""
    how: dict[str, Any] = {"column_keys": list(names), "for_executemany": True}
    compiled: SQLCompiler = statement.compile(dialect=dialect, **how)
    return compiled


@lru_cache(maxsize=_STATEMENTS)
def _arrayed(statement: Insert | Update, names: tuple[str, ...]) -> tuple[Executable, dict[str, TypeEngine[Any]]]:
    """Return the statement that reads the rows from arrays, and the type of each value."""
    types = _types(statement, list(names))
    return _from_arrays(statement, types), types


def _types(statement: Insert | Update, names: list[str]) -> dict[str, TypeEngine[Any]]:
    """Return the type of each of the rows' values: its column's, or that of the parameter of its name."""
    if isinstance(statement, Insert):
        return {name: statement.table.c[name].type for name in names}
    found = {part.key: part.type for part in iterate(statement) if isinstance(part, BindParameter)}
    return {name: found[name] for name in names}


def _from_arrays(statement: Insert | Update, types: dict[str, TypeEngine[Any]]) -> Executable:
    """Return the statement with the values of all rows in place of one row's."""
    arrays = [bindparam(name, type_=ARRAY(_plain(type_))) for name, type_ in types.items()]
    rows = func.unnest(*arrays).table_valued(*(column(name, _plain(type_)) for name, type_ in types.items()))
    rows = rows.render_derived(name="given")
    if isinstance(statement, Insert):
        return statement.from_select(list(types), select(*(_cell(rows, name, type_) for name, type_ in types.items())))

    def given(element: Any, **_kw: Any) -> Any:
        named = isinstance(element, BindParameter) and element.key in types
        return _cell(rows, element.key, types[element.key]) if named else None

    template: Any = statement  # SQLAlchemy's own hints know of SELECT alone here
    changed: Executable = replacement_traverse(template, {}, given)
    return changed


def _cell(rows: TableValuedAlias, name: str, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    return cast(rows.c[name], JSON) if isinstance(type_, JSON) else rows.c[name]


def _plain(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return what stands in an array: times and severities are numbers there, JSON is text."""
    inner = type_.impl_instance if isinstance(type_, TypeDecorator) else type_
    return Text() if isinstance(inner, (String, JSON)) else inner


def _processed(connection: AsyncConnection, type_: TypeEngine[Any], values: list[Any]) -> list[Any]:
    """Return one column of the rows as the driver takes it."""
    process = type_.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return [process(value) for value in values] if process else values


def _values(compiled: SQLCompiler, name: str, rows: Sequence[Row]) -> Iterable[Any]:
    """Return one parameter in each row, as the driver takes it; what is not in the rows stands in the statement."""
    bind = compiled.binds[name].type.dialect_impl(compiled.dialect).bind_processor(compiled.dialect)
    process: Callable[[Any], Any] | None = bind
    if name not in rows[0]:
        fixed = compiled.params[name]
        return repeat(process(fixed) if process else fixed)
    return [process(row[name]) for row in rows] if process else [row[name] for row in rows]


def among(connection: AsyncConnection, column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """Say that a text column is one of many values: they travel as one parameter, however many they are."""
    if connection.dialect.name == "sqlite":
        each = func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(select(each.c.value))
    return column == any_(literal(list(values), ARRAY(Text)))
