"""Gateways as pages show them: by name, with the status they last told, silent or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from collector.gateway_status import GatewayStatus, is_silent, read_status
from collector.store.gateways import list_gateways


@dataclass(frozen=True, slots=True)
class GatewayView:
    """One gateway as pages show it. `status` is nothing for one that only delivers events."""

    id: str
    last_seen: datetime
    silent: bool
    accepted: int
    rejected: int
    last_rejection: str
    status: GatewayStatus | None

    @property
    def name(self) -> str:
        """Return its name, or the beginning of its id where it told none."""
        named = self.status.name if self.status else ""
        return named or (self.id if len(self.id) <= 12 else f"{self.id[:8]}…")


async def gateway_views(connection: AsyncConnection, now: datetime) -> list[GatewayView]:
    """Return every gateway, the one last heard of first."""
    return [
        GatewayView(
            row["name"],
            row["last_seen"],
            is_silent(row["status_time"], now),
            row["accepted"],
            row["rejected"],
            row["last_rejection"],
            read_status(row["status"]) if row["status"] else None,
        )
        for row in await list_gateways(connection)
    ]


async def gateway_names(connection: AsyncConnection, now: datetime) -> dict[str, str]:
    """Return each gateway's name by its id."""
    return {view.id: view.name for view in await gateway_views(connection, now)}
