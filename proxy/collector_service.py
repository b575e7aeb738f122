"""The collector as a worker of the gateway: settings from the configuration, served until the supervisor says stop."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import URL

from collector.risk import Threshold
from collector.service import CollectorService
from collector.settings import CollectorSettings, PostureIssuer
from proxy.collector_outputs import outputs_of
from proxy.config.model import Config
from proxy.config.sections.collector import PostureIssuerConfig
from proxy.onboarding import for_console
from proxy.secrets import Secrets
from proxy.state import StateDir

if TYPE_CHECKING:
    from proxy.worker import WorkerContext


async def serve(context: WorkerContext) -> None:
    """Serve API and console, tell the supervisor where, and end when `stopping` is set.

    Raises OSError when the port is taken, StoreUnavailableError when the database can't be opened.
    """
    settings = settings_of(context.config.config, context.state, context.secrets)
    async with CollectorService(settings, context.clock) as service:
        await context.ready({"collector": service.address})
        await _tell_setup_link(service)
        await context.stopping.wait()


async def _tell_setup_link(service: CollectorService) -> None:
    """Print how to make the first account; `seawall console` comes in without one."""
    if link := await service.setup_link():
        print(f"No console account yet. Make the first one (once, within a day): {link}", file=sys.stderr, flush=True)


def settings_of(config: Config, state: StateDir, secrets: Secrets) -> CollectorSettings:
    """Turn configuration and secrets into the collector's settings. Raises OSError for a key that cannot be read."""
    database = config.collector.database
    if database == "sqlite":
        path = str(state.collector_database)
        database = URL.create("sqlite", database=path).render_as_string()
    return CollectorSettings(
        database_url=database,
        gateway_token=secrets.gateway_token,
        read_token=secrets.read_token,
        admin_token=secrets.admin_token,
        host=str(config.collector.host),
        port=config.collector.port,
        allowed_hosts=config.collector.allowed_hosts,
        public_url=config.collector.public_url or "",
        trusted_proxies=config.collector.trusted_proxies,
        retention=timedelta(days=config.privacy.retention_days),
        retention_of={name: timedelta(days=days) for name, days in config.privacy.retention_of.items()},
        outputs=outputs_of(config, state),
        privacy_key=secrets.privacy_key,
        threshold=Threshold(config.corporate.max_risk),
        posture_issuers=tuple(map(_issuer, config.collector.posture_issuers)),
        signing_key=secrets.collector_key,
        certificate=config.collector.tls.cert,
        certificate_key=config.collector.tls.key,
        vulnerability_data=state.vulnerability_data,
        exposure_raises_risk=config.vulnerabilities.raises_risk,
        onboarding=for_console(config.proxy, state, secrets.installation_id),
    )


def _issuer(issuer: PostureIssuerConfig) -> PostureIssuer:
    return PostureIssuer(issuer.name, tuple(path.read_text("ascii", errors="replace") for path in issuer.keys))
