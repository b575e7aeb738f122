"""The collector as a worker of the gateway: settings from the configuration, served until the supervisor says stop."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import URL

from collector.service import CollectorService
from collector.settings import CollectorSettings

if TYPE_CHECKING:
    from proxy.worker import WorkerContext


async def serve(context: WorkerContext) -> None:
    """Serve API and console, tell the supervisor where, and end when `stopping` is set.

    Raises OSError when the port is taken, StoreUnavailableError when the database can't be opened.
    """
    async with CollectorService(settings_of(context), context.clock) as service:
        await context.ready({"collector": service.address})
        await context.stopping.wait()


def settings_of(context: WorkerContext) -> CollectorSettings:
    """Turn the gateway's configuration and secrets into the collector's settings."""
    config = context.config.config
    database = config.collector.database
    if database == "sqlite":
        path = str(context.state.collector_database)
        database = URL.create("sqlite+aiosqlite", database=path).render_as_string()
    return CollectorSettings(
        database_url=database,
        gateway_token=context.secrets.gateway_token,
        read_token=context.secrets.read_token,
        admin_token=context.secrets.admin_token,
        host=str(config.collector.host),
        port=config.collector.port,
        allowed_hosts=config.collector.allowed_hosts,
        retention=timedelta(days=config.privacy.retention_days),
    )
