"""Put the collector together: its parts, its routes with who may use each, and what every answer passes through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Handler as NextHandler

from collector.api import alerts, events, gateways, health, incidents, machines, tickets
from collector.console import files, login, pages, stream
from collector.console.rendering import error_page
from collector.live import Live
from collector.settings import CollectorSettings
from collector.store.database import Database
from collector.sweeper import sweeping
from collector.web.access import Access, Tokens
from collector.web.doors import behind
from collector.web.errors import as_json, refusal
from collector.web.guards import add_headers, only_ours
from collector.web.hosts import AllowedHosts
from collector.web.intake import Intake
from collector.web.parts import PARTS, Handler, Parts
from collector.web.sessions import Sessions

ROUTES: tuple[tuple[str, str, Access, Handler], ...] = (
    ("GET", "/healthz", Access.PUBLIC, health.get),
    ("POST", "/api/v1/events", Access.GATEWAY, events.post),
    ("POST", "/api/v1/gateways/status", Access.GATEWAY, gateways.post_status),
    ("POST", "/api/v1/tickets", Access.ADMIN, tickets.post),
    ("GET", "/api/v1/incidents/{id:[\\s\\S]+}", Access.READ, incidents.single),
    ("GET", "/api/alerts", Access.READ, alerts.collection),
    ("GET", "/api/alerts/{id}", Access.READ, alerts.single),
    ("GET", "/api/machines", Access.READ, machines.collection),
    ("GET", "/api/machines/{id:[\\s\\S]+}", Access.READ, machines.single),
    ("GET", "/", Access.READ, pages.overview),
    ("GET", "/alerts", Access.READ, pages.alerts),
    ("GET", "/alerts/{id}", Access.READ, pages.alert),
    ("GET", "/devices", Access.READ, pages.devices),
    ("GET", "/devices/{id:[\\s\\S]+}", Access.READ, pages.device),
    ("GET", "/incidents/{id:[\\s\\S]+}", Access.READ, pages.incident),
    ("GET", "/stream", Access.READ, stream.changes),
    ("GET", "/login", Access.PUBLIC, login.enter),
    ("POST", "/logout", Access.READ, login.leave),
    ("GET", "/assets/{name}", Access.PUBLIC, files.asset),
)
_FOR_PROGRAMS = ("/api/", "/healthz")


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def create_app(settings: CollectorSettings, clock: Callable[[], datetime] = now) -> web.Application:
    """Return the application; its database opens when it starts. Raises ValueError for a database URL of another kind.

    Until `hosts.bind` is told the bound port, only configured names are answered (see `service.py`).
    """
    database = Database(settings.database_url)
    app = web.Application(middlewares=[_errors, only_ours], client_max_size=settings.limits.inflated_bytes)
    app[PARTS] = Parts(
        settings=settings,
        clock=clock,
        database=database,
        live=Live(),
        tokens=Tokens(settings),
        sessions=Sessions(database, settings.session_life, settings.ticket_life),
        hosts=AllowedHosts(settings.allowed_hosts, settings.public_url),
        intake=Intake(settings.limits),
    )
    for method, path, access, handler in ROUTES:
        app.router.add_route(method, path, behind(access, handler))
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_end_streams)
    app.cleanup_ctx.append(_open_database)
    app.cleanup_ctx.append(sweeping)
    return app


@web.middleware
async def _errors(request: web.Request, handler: NextHandler) -> web.StreamResponse:
    """Answer whatever was raised in the form that this address speaks."""
    try:
        return await handler(request)
    except Exception as error:
        refused = refusal(error)
        return as_json(refused) if request.path.startswith(_FOR_PROGRAMS) else error_page(request, refused)


async def _open_database(app: web.Application) -> AsyncIterator[None]:
    database = app[PARTS].database
    await database.open()
    yield
    with suppress(Exception):  # a database that is gone cannot be closed
        await database.close()


async def _end_streams(app: web.Application) -> None:
    app[PARTS].live.close()
