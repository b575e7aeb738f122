"""The form in which every list is answered: OData's `value`, and a link to the next page where there may be one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from collector.web.paging import Page


def answer(request: web.Request, page: Page, value: Sequence[dict[str, Any]]) -> web.Response:
    """Write a list; a full page links to the next one."""
    body: dict[str, Any] = {"value": list(value)}
    if value and len(value) == page.top:
        following = request.url.update_query({"$top": str(page.top), "$skip": str(page.skip + page.top)})
        body["@odata.nextLink"] = str(following)
    return web.json_response(body)
