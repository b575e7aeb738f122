"""Turn the gateway's status into Prometheus' text. No device, destination or address is a label here; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

type Status = Mapping[str, Any]


def render(status: Status) -> bytes:
    """Return Prometheus' text for one status."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Family(status))
    return generate_latest(registry)


class _Family:
    """Give prometheus-client the numbers of one scrape."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from _whole(self._status)
        yield from _of_workers(self._status["workers"])
        yield from _of_feeds(self._status["feeds"])
        yield from _of_delivery(self._status["delivery"])


def _whole(status: Status) -> Iterator[Metric]:
    numbers = {
        "seawall_up": ("Whether the gateway serves.", status["serving"]),
        "seawall_indicators": ("Indicators in force.", status["indicators"]),
        "seawall_indicators_waiting_for_ca": ("URL indicators that wait for the CA.", status["waiting_for_ca"]),
        "seawall_enforcing": ("1 where verdicts are enforced, 0 in audit mode.", status["mode"] == "enforce"),
        "seawall_paused": ("Whether blocking is paused.", status["paused_until"] is not None),
        "seawall_compiling": ("Whether feeds are being compiled.", status["compiling"]),
        "seawall_overlay_generation": ("Generation of the overlay.", status["generation"]),
        "seawall_configuration_errors": ("Mistakes and complaints shown by `seawall status`.", len(status["errors"])),
    }
    for name, (words, value) in numbers.items():
        yield GaugeMetricFamily(name, words, value=float(value))
    info = GaugeMetricFamily("seawall_info", "Version and id.", labels=["version", "gateway"])
    info.add_metric([status["version"], status["gateway"]], 1)
    yield info


def _of_workers(workers: list[Status]) -> Iterator[Metric]:
    ready = GaugeMetricFamily("seawall_worker_ready", "Whether the process serves.", labels=["role"])
    for worker in workers:
        ready.add_metric([worker["role"]], float(worker["ready"]))
    yield ready
    words = {
        "restarts": ("seawall_worker_restarts", "Times it was started anew."),
        "failures": ("seawall_judgement_failures", "Judgements that `policy.on_error` had to make."),
        "lost": ("seawall_lost_events", "Events that could not be kept."),
    }
    for key, (name, text) in words.items():
        family = CounterMetricFamily(name, text, labels=["role"])
        for worker in workers:
            family.add_metric([worker["role"]], worker[key])
        yield family


def _of_feeds(feeds: list[Status]) -> Iterator[Metric]:
    entries = GaugeMetricFamily("seawall_feed_entries", "Entries of the version in use.", labels=["feed"])
    well = GaugeMetricFamily("seawall_feed_healthy", "Whether nobody needs to look.", labels=["feed", "state"])
    checked = GaugeMetricFamily("seawall_feed_checked_seconds", "When it was last looked for.", labels=["feed"])
    changed = GaugeMetricFamily("seawall_feed_changed_seconds", "When its content last arrived.", labels=["feed"])
    for feed in feeds:
        entries.add_metric([feed["name"]], feed["entries"] or 0)
        well.add_metric([feed["name"], feed["state"]], float(feed["state"] in ("fresh", "disabled")))
        for family, key in ((checked, "checked"), (changed, "changed")):
            if feed.get(key):
                family.add_metric([feed["name"]], datetime.fromisoformat(feed[key]).timestamp())
    yield from (entries, well, checked, changed)


def _of_delivery(delivery: Status) -> Iterator[Metric]:
    delivered = CounterMetricFamily("seawall_delivered_events", "Events that the collector has taken.")
    delivered.add_metric([], delivery["delivered"])
    rejected = CounterMetricFamily("seawall_rejected_events", "Events that the collector refused.")
    rejected.add_metric([], delivery["rejected"])
    trouble = GaugeMetricFamily("seawall_delivery_failing", "Whether events wait because the collector is away.")
    trouble.add_metric([], float(bool(delivery["trouble"])))
    yield from (delivered, rejected, trouble)
