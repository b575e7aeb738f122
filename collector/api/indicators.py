"""`/api/indicators`: custom indicators in Defender's form: listed, submitted, imported, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from sqlalchemy import ColumnElement, RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from collector.api.collections import answer
from collector.indicator_form import IndicatorFormError, Submission, read_submission
from collector.resources import indicator_resource
from collector.store.indicator_fields import INDICATOR_FIELDS
from collector.store.indicators import (
    By,
    TooManyIndicatorsError,
    count_indicators,
    in_force,
    list_indicators,
    remove,
    submit,
    submit_all,
)
from collector.store.policy_tables import INDICATORS
from collector.web.asked import Asked, asked_of
from collector.web.bodies import json_object
from collector.web.errors import Refused
from collector.web.parts import CALLER, PARTS
from collector.web.rates import IN_BULK, READ_OR_SUBMIT, Rate

BATCH = 500  # rows of an import, ids of a batch delete: as Defender documents
_MOST_BODY = 8 << 20  # bytes
_CONTEXT = "$metadata#Indicators"


async def collection(request: web.Request) -> web.Response:
    """Answer a page of indicators, the one changed last first unless `$orderby` says otherwise."""
    _spend(request, READ_OR_SUBMIT)
    parts = request.app[PARTS]
    asked = asked_of(request.query, INDICATOR_FIELDS)
    where = (*asked.where, in_force(parts.clock()))
    order = (*(asked.order or (INDICATORS.c.updated.desc(),)), INDICATORS.c.seq.desc())
    rows, count = await parts.database.ask(lambda connection: _listed(connection, asked, where, order))
    return answer(request, asked.page, [indicator_resource(row) for row in rows], count, context=_CONTEXT)


async def _listed(
    connection: AsyncConnection,
    asked: Asked,
    where: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[object]],
) -> tuple[list[RowMapping], int | None]:
    rows = await list_indicators(connection, where, order, asked.page.top, asked.page.skip)
    return rows, await count_indicators(connection, *where) if asked.counts else None


async def single(request: web.Request) -> web.Response:
    """Answer one indicator, or 404."""
    parts = request.app[PARTS]
    (number,) = _numbers([request.match_info["id"]])
    where = [INDICATORS.c.seq == number, in_force(parts.clock())]
    rows = await parts.database.ask(lambda connection: list_indicators(connection, where, top=1))
    if not rows:
        raise Refused(404, "no indicator has this id")
    return web.json_response(indicator_resource(rows[0]))


async def post(request: web.Request) -> web.Response:
    """Create an indicator, or change the one with this value; answer it."""
    _spend(request, READ_OR_SUBMIT)
    parts = request.app[PARTS]
    body = await json_object(request)
    try:
        submission = read_submission(body, parts.clock())
        row = await submit(parts.database, submission, _by(request), parts.clock())
    except (IndicatorFormError, TooManyIndicatorsError) as error:
        raise Refused(400, str(error)) from None
    parts.live.changed()
    return web.json_response({"@odata.context": f"{_CONTEXT}/$entity", **indicator_resource(row)})


async def import_(request: web.Request) -> web.Response:
    """Submit up to 500 indicators; answer 200 with an outcome for each row."""
    _spend(request, IN_BULK)
    parts = request.app[PARTS]
    rows = (await json_object(request, _MOST_BODY)).get("Indicators")
    if not isinstance(rows, list) or not 0 < len(rows) <= BATCH:
        raise Refused(400, f"Indicators: expected a list of 1 to {BATCH}")
    read = [_read(row, request) for row in rows]
    good = [one for one in read if isinstance(one, Submission)]
    kept = iter(await submit_all(parts.database, good, _by(request), parts.clock()))
    outcomes = [next(kept) if isinstance(one, Submission) else one for one in read]
    parts.live.changed()
    return web.json_response({"value": [_outcome(row, done) for row, done in zip(rows, outcomes, strict=True)]})


async def delete(request: web.Request) -> web.Response:
    """Delete one indicator: 204, or 404."""
    await _remove(request, _numbers([request.match_info["id"]]))
    return web.Response(status=204)


async def batch_delete(request: web.Request) -> web.Response:
    """Delete up to 500 indicators, all or none: 204; 400 for no, too many or malformed ids; 404 for an unknown one."""
    _spend(request, IN_BULK)
    ids = (await json_object(request)).get("IndicatorIds")
    if not isinstance(ids, list) or not 0 < len(ids) <= BATCH:
        raise Refused(400, f"IndicatorIds: expected a list of 1 to {BATCH} ids")
    await _remove(request, _numbers(ids))
    return web.Response(status=204)


async def _remove(request: web.Request, numbers: list[int]) -> None:
    parts = request.app[PARTS]
    missing = await remove(parts.database, numbers, request[CALLER].name, parts.clock())
    if missing:
        raise Refused(404, f"no indicator has the id {missing[0]}")
    parts.live.changed()


def _numbers(ids: list[Any]) -> list[int]:
    for one in ids:
        if not (isinstance(one, str) and one.isascii() and one.isdigit() and len(one) < 19):
            raise Refused(400, f"id: expected an indicator's id, got {one!r:.40}")
    return [int(one) for one in ids]


def _read(row: object, request: web.Request) -> Submission | IndicatorFormError:
    try:
        return read_submission(row, request.app[PARTS].clock())
    except IndicatorFormError as error:
        return error


def _outcome(row: object, done: RowMapping | ValueError) -> dict[str, Any]:
    """Write what became of one row of an import."""
    value = row.get("indicatorValue") if isinstance(row, dict) else None
    shown = value if isinstance(value, str) else None
    if isinstance(done, ValueError):
        return {"id": None, "indicator": shown, "isFailed": True, "failureReason": str(done)}
    return {"id": str(done["seq"]), "indicator": shown, "isFailed": False, "failureReason": None}


def _by(request: web.Request) -> By:
    caller = request[CALLER]
    return By(caller.name, is_program=caller.scopes is not None)


def _spend(request: web.Request, rate: Rate) -> None:
    parts = request.app[PARTS]
    parts.rates.spend(request[CALLER].name, rate, parts.clock())
