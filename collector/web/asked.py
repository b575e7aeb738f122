"""Read what a list is asked for: `$filter`, `$orderby`, `$count`, `$top`, `$skip`, `$expand`; refuse anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multidict import MultiMapping
from sqlalchemy import ColumnElement

from collector.odata.fields import Field, order, where
from collector.odata.words import ODataError
from collector.web.errors import Refused
from collector.web.paging import Page, page_of

_KNOWN = ("$filter", "$orderby", "$count", "$top", "$skip", "$expand")


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold the conditions and the order in SQL (none for the usual order), the page, and whether to count."""

    page: Page
    where: tuple[ColumnElement[bool], ...]
    order: tuple[ColumnElement[Any], ...]
    counts: bool


def asked_of(query: MultiMapping[str], fields: Mapping[str, Field], expands: tuple[str, ...] = ()) -> Asked:
    """Read a query. Raises Refused (400) naming the parameter, and within `$filter` the character."""
    for name in query:
        if name.startswith("$") and name not in _KNOWN:
            raise Refused(400, f"{name:.40}: expected one of {', '.join(_KNOWN)}")
        if len(query.getall(name)) > 1:
            raise Refused(400, f"{name:.40}: expected once")
    if (expanded := query.get("$expand")) is not None and expanded not in expands:
        raise Refused(400, f"$expand: expected {' or '.join(expands) or 'nothing'}, got {expanded!r:.40}")
    return Asked(page_of(query), _where(query, fields), _order(query, fields), _counts(query))


def _where(query: MultiMapping[str], fields: Mapping[str, Field]) -> tuple[ColumnElement[bool], ...]:
    text = query.get("$filter")
    try:
        return () if text is None else (where(text, fields),)
    except ODataError as error:
        raise Refused(400, f"$filter: {error}") from None


def _order(query: MultiMapping[str], fields: Mapping[str, Field]) -> tuple[ColumnElement[Any], ...]:
    text = query.get("$orderby")
    try:
        return () if text is None else tuple(order(text, fields))
    except ODataError as error:
        raise Refused(400, f"$orderby: {error}") from None


def _counts(query: MultiMapping[str]) -> bool:
    text = query.get("$count", "false")
    if text not in ("true", "false"):
        raise Refused(400, f"$count: expected true or false, got {text!r:.40}")
    return text == "true"
