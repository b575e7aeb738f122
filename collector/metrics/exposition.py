"""Turn what the database counts into Prometheus' text. No destination and no device is a label here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from sqlalchemy import func, select

from collector.outputs.backlog import waiting
from collector.outputs.settings import OutputSettings
from collector.risk import INACTIVE_AFTER
from collector.store.database import Database
from collector.store.gateways import list_gateways
from collector.store.people_tables import OUTPUTS
from collector.store.tables import DEVICES
from collector.store.total_tables import OPEN_ALERTS

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Counted:
    """Hold what one scrape shows."""

    gateways: list[Any] = field(default_factory=list)
    open_alerts: dict[str, int] = field(default_factory=dict)
    devices: dict[str, int] = field(default_factory=dict)
    outputs: list[tuple[Any, int]] = field(default_factory=list)  # row, rows waiting
    watchers: int = 0


async def count(database: Database, outputs: Iterable[OutputSettings], now: datetime, watchers: int) -> Counted:
    """Read the numbers."""
    async with database.read() as connection:
        gateways = await list_gateways(connection)
        severity, alerts = OPEN_ALERTS.c.severity, OPEN_ALERTS.c.alerts
        open_ = select(severity, func.sum(alerts)).where(alerts > 0).group_by(severity)
        by_severity = {str(row[0]): int(row[1]) for row in await connection.execute(open_)}
        total = int((await connection.execute(select(func.count()).select_from(DEVICES))).scalar_one())
        recent = select(func.count()).select_from(DEVICES).where(DEVICES.c.last_seen > now - INACTIVE_AFTER)
        active = int((await connection.execute(recent)).scalar_one())
        rows = {row["name"]: row for row in (await connection.execute(select(OUTPUTS))).mappings()}
    told = [
        (rows[one.name], await waiting(database, rows[one.name]["position"], one.send))
        for one in outputs
        if one.name in rows
    ]
    return Counted(list(gateways), by_severity, {"active": active, "inactive": total - active}, told, watchers)


def render(counted: Counted) -> bytes:
    """Return Prometheus' text, with this process's own numbers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Family(counted))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return generate_latest(registry)


class _Family:
    """Give prometheus-client the numbers of one scrape."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from _of_gateways(self._counted.gateways)
        yield _gauge("seawall_collector_open_alerts", "Alerts nobody resolved.", "severity", self._counted.open_alerts)
        yield _gauge("seawall_collector_devices", "Devices by health.", "health", self._counted.devices)
        yield from _of_outputs(self._counted.outputs)
        watchers = GaugeMetricFamily("seawall_collector_open_consoles", "Open live streams.")
        watchers.add_metric([], self._counted.watchers)
        yield watchers


def _gauge(name: str, words: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _of_gateways(rows: list[Any]) -> Iterator[Metric]:
    accepted = CounterMetricFamily("seawall_collector_events", "Events kept.", labels=["gateway"])
    rejected = CounterMetricFamily("seawall_collector_rejected_events", "Events refused.", labels=["gateway"])
    seen = GaugeMetricFamily("seawall_collector_gateway_last_seen_seconds", "When it last spoke.", labels=["gateway"])
    for row in rows:
        accepted.add_metric([row["name"]], row["accepted"])
        rejected.add_metric([row["name"]], row["rejected"])
        seen.add_metric([row["name"]], row["last_seen"].timestamp())
    yield from (accepted, rejected, seen)


def _of_outputs(rows: list[tuple[Any, int]]) -> Iterator[Metric]:
    words = {"delivered": "Notices delivered.", "failed": "Deliveries that failed.", "skipped": "Notices given up."}
    for key, text in words.items():
        family = CounterMetricFamily(f"seawall_collector_output_{key}", text, labels=["output"])
        for row, _ in rows:
            family.add_metric([row["name"]], row[key])
        yield family
    backlog = GaugeMetricFamily("seawall_collector_output_waiting", "Notices not told yet.", labels=["output"])
    for row, left in rows:
        backlog.add_metric([row["name"]], left)
    yield backlog
