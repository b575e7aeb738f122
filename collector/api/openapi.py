"""`GET /api/openapi.json`: the API as an OpenAPI 3.1 document, made from the very table of routes.

Summaries are the handlers' own docstrings; what bodies and questions look like stands in `api_schemas.py`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from typing import Any

from aiohttp import web

from collector.api.api_schemas import ANSWERS, BODIES, LISTS, OPEN_QUERIES, SCHEMAS
from collector.web.access import Access
from collector.web.parts import Handler

type Route = tuple[str, str, Access, Handler]

_PARAMETER = re.compile(r"\{(\w+)(?::[^}]*(?:\{[^}]*\}[^}]*)*)?\}")
_VERSIONED = "/api/v1.0/"


def document(routes: tuple[Route, ...]) -> dict[str, Any]:
    """Return the document. Addresses that merely name a version are left out: they are the same ones."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, access, handler in routes:
        if not path.startswith(_VERSIONED):
            plain = _PARAMETER.sub(r"{\1}", path)
            paths.setdefault(plain, {})[method.lower()] = _operation(method, plain, access, handler)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Seawall collector", "version": version("seawall"), "license": {"name": "Apache-2.0"}},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(method: str, path: str, access: Access, handler: Handler) -> dict[str, Any]:
    summary = (handler.__doc__ or "").strip().splitlines()[0]
    key = f"{method} {path}"
    found: dict[str, Any] = {
        "summary": summary,
        "tags": [path.split("/")[2] if path.startswith("/api/") else "service"],
        "description": f"Access: {access}.",
        "parameters": _parameters(key, path),
        "responses": _responses(key),
    }
    if access is Access.PUBLIC:
        found["security"] = []
    if key in BODIES:
        form, schema = BODIES[key]
        found["requestBody"] = {"required": True, "content": {form: {"schema": schema}}}
    return found


def _parameters(key: str, path: str) -> list[dict[str, Any]]:
    named = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    return [*named, *LISTS.get(key, ()), *OPEN_QUERIES.get(key, ())]


def _responses(key: str) -> dict[str, Any]:
    """Say what success looks like; everything else is the error form."""
    good = {
        status: {"description": "Done", **({"content": {"application/json": {"schema": schema}}} if schema else {})}
        for status, schema in ANSWERS.get(key, {"200": {}}).items()
    }
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {**good, "default": {"description": "Refused; the message says what to change", "content": error}}


def serving(routes: tuple[Route, ...]) -> Handler:
    """Return the handler that answers the document."""

    @cache
    def made() -> dict[str, Any]:
        return document(routes)

    async def get(request: web.Request) -> web.Response:
        """Answer this document."""
        return web.json_response(made())

    return get
