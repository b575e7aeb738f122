"""The form in which every list is answered: OData's `value`, a count where asked for, a link to the next page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from collector.web.doors import is_secure
from collector.web.paging import Page


def answer(
    request: web.Request, page: Page, value: Sequence[dict[str, Any]], count: int | None = None, context: str = ""
) -> web.Response:
    """Write a list; a full page links to the next one."""
    body: dict[str, Any] = {"@odata.context": context} if context else {}
    if count is not None:
        body["@odata.count"] = count
    body["value"] = list(value)
    if value and len(value) == page.top:
        following = request.url.update_query({"$top": str(page.top), "$skip": str(page.skip + page.top)})
        body["@odata.nextLink"] = str(following.with_scheme("https") if is_secure(request) else following)
    return web.json_response(body)
