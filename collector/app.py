"""Put the collector together: its parts, its routes with who may use each, and what every answer passes through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Handler as NextHandler

from collector.accounts.passwords import Passwords
from collector.accounts.people import People
from collector.accounts.throttle import Throttle
from collector.accounts.tokens import caller_of_token
from collector.api import routes as api_routes
from collector.api.oauth import caller_of_access
from collector.compliance import ComplianceEvents
from collector.console import routes as console_routes
from collector.console.pages import REMEMBERED
from collector.console.remembered import Remembered
from collector.console.rendering import error_page
from collector.exposure_watch import watching_exposure
from collector.history.look_back import looking_back
from collector.live import Live
from collector.outputs.dispatch import dispatching
from collector.settings import CollectorSettings
from collector.signing import Signer
from collector.store.database import Database
from collector.store.enrolled import caller_of_gateway
from collector.store.policy_stream import begin_stream
from collector.sweeper import sweeping
from collector.turns import taking_turns
from collector.web.access import Tokens
from collector.web.doors import behind
from collector.web.errors import as_json, refusal
from collector.web.guards import add_headers, only_ours
from collector.web.hosts import AllowedHosts
from collector.web.intake import Intake
from collector.web.parts import PARTS, Parts
from collector.web.sessions import Sessions

ROUTES = (*api_routes.ROUTES, *console_routes.ROUTES)
_FOR_PROGRAMS = ("/api/", "/healthz", "/metrics", "/.well-known/")


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def create_app(settings: CollectorSettings, clock: Callable[[], datetime] = now) -> web.Application:
    """Return the application; its database opens when it starts. Raises ValueError for a database URL of another kind.

    Until `hosts.bind` is told the bound port, only configured names are answered (see `service.py`).
    """
    database = Database(settings.database_url)
    signer = Signer(settings.signing_key)
    app = web.Application(middlewares=[_errors, only_ours], client_max_size=settings.limits.inflated_bytes)
    app[PARTS] = parts = Parts(
        settings=settings,
        clock=clock,
        database=database,
        live=Live(),
        tokens=Tokens(settings),
        sessions=Sessions(database, settings.session_life, settings.ticket_life),
        hosts=AllowedHosts(settings.allowed_hosts, settings.public_url),
        intake=Intake(settings.limits),
        people=People(database, Passwords()),
        throttle=Throttle(),
        signer=signer,
        sign_risk=ComplianceEvents(signer, settings.threshold),
    )
    parts.bearers.append(partial(caller_of_token, database))
    parts.bearers.append(partial(caller_of_access, database, parts.signer))
    parts.bearers.append(partial(caller_of_gateway, database))
    app[REMEMBERED] = Remembered()
    for method, path, access, handler in ROUTES:
        app.router.add_route(method, path, behind(access, handler))
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_end_streams)
    app.cleanup_ctx.append(taking_turns)
    app.cleanup_ctx.append(_open_database)
    app.cleanup_ctx.append(sweeping)
    app.cleanup_ctx.append(dispatching)
    app.cleanup_ctx.append(looking_back)
    app.cleanup_ctx.append(watching_exposure)
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
    await begin_stream(database)
    yield
    with suppress(Exception):  # a database that is gone cannot be closed
        await database.close()


async def _end_streams(app: web.Application) -> None:
    app[PARTS].live.close()
