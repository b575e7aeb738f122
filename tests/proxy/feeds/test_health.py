"""Feeds as numbers: what is unwell, and what a monitoring system reads."""

from __future__ import annotations

from datetime import timedelta

from proxy.feeds.health import health, samples
from tests.support.feeds import NOW, Bench


def test_stale_empty_held_and_waiting_feeds_are_unwell(bench: Bench) -> None:
    bench.put("fresh", *(f"h{n}.example" for n in range(9)))
    bench.put("empty", "# nothing")
    bench.put("shrunk", *(f"h{n}.example" for n in range(9)))
    bench.run()
    bench.put("shrunk", "h1.example")
    bench.put("stale", "bad.example", interval="1h")
    bench.run()
    bench.put("waiting", "bad.example")
    bench.put("off", "bad.example", enabled=False)
    bench.now += timedelta(hours=3)
    found = health([bench.status(name) for name in bench.feeds])
    assert found.unwell == ("empty", "shrunk", "stale", "waiting")
    assert (found.total, found.entries, found.is_well) == (5, 19, False)
    assert health([bench.status("fresh")]).is_well


def test_samples_are_what_prometheus_reads(bench: Bench) -> None:
    bench.put("names", "bad.example", "github.com")
    bench.run()
    bench.put("later", "bad.example")
    bench.put("off", "bad.example", enabled=False)
    statuses = [bench.status(name) for name in bench.feeds]
    found = {(one.name, one.labels["feed"]): one.value for one in samples(statuses, NOW + timedelta(seconds=90))}
    assert found == {
        ("seawall_feed_healthy", "names"): 1.0,
        ("seawall_feed_entries", "names"): 2.0,
        ("seawall_feed_kept", "names"): 1.0,
        ("seawall_feed_demoted", "names"): 1.0,
        ("seawall_feed_checked_age_seconds", "names"): 90.0,
        ("seawall_feed_changed_age_seconds", "names"): 90.0,
        ("seawall_feed_healthy", "later"): 0.0,
        ("seawall_feed_entries", "later"): 0.0,
        ("seawall_feed_kept", "later"): 0.0,
        ("seawall_feed_demoted", "later"): 0.0,
    }
