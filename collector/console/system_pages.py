"""The page of what keeps the system going: gateways with their feeds, and outputs with their deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from aiohttp import web
from sqlalchemy import select

from collector.console.gateway_views import gateway_views
from collector.console.rendering import page
from collector.outputs.backlog import waiting
from collector.outputs.settings import OutputSettings
from collector.store.database import Database
from collector.store.people_tables import OUTPUTS
from collector.web.parts import PARTS


@dataclass(frozen=True, slots=True)
class OutputView:
    """One output as pages show it; its address without what could be a secret in it."""

    name: str
    place: str
    format: str
    send: tuple[str, ...]
    delivered: int = 0
    failed: int = 0
    skipped: int = 0
    waiting: int = 0
    last_error: str = ""
    last_success: datetime | None = None

    @property
    def is_well(self) -> bool:
        """Say whether nobody needs to look."""
        return not self.last_error


async def show(request: web.Request) -> web.Response:
    """Show gateways and outputs."""
    parts = request.app[PARTS]
    gateways = await parts.database.ask(lambda connection: gateway_views(connection, parts.clock()))
    outputs = await output_views(parts.database, parts.settings.outputs)
    return page(request, "system.html", gateways=gateways, outputs=outputs, version=version("seawall"))


async def output_views(database: Database, outputs: tuple[OutputSettings, ...]) -> list[OutputView]:
    """Return every configured output with how its deliveries go."""
    if not outputs:
        return []
    async with database.read() as connection:
        rows = {row["name"]: row for row in (await connection.execute(select(OUTPUTS))).mappings()}
    views = []
    for one in outputs:
        shown = (one.name, one.url.split("?")[0].rpartition("@")[2], str(one.format), tuple(map(str, one.send)))
        row = rows.get(one.name)
        if row is None:
            views.append(OutputView(*shown))
            continue
        left = await waiting(database, row["position"], one.send)
        numbers = (row["delivered"], row["failed"], row["skipped"], left)
        views.append(OutputView(*shown, *numbers, last_error=row["last_error"], last_success=row["last_success"]))
    return views
