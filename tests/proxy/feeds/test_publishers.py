"""How often publishers are asked at most, and that the user's own wish counts otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from proxy.config.sections.feeds import FeedConfig
from proxy.feeds.ledger import Ledger
from proxy.feeds.publishers import PUBLISHERS, interval_of, least_interval, publisher_of
from proxy.feeds.refresh import allowed_from

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def feed(url: str, minutes: int = 1) -> FeedConfig:
    return FeedConfig(name="a", url=url, interval=timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("url", "least"),
    [
        ("https://www.spamhaus.org/drop/drop_v4.json", timedelta(hours=1)),
        ("https://SPAMHAUS.org/x", timedelta(hours=1)),
        ("https://urlhaus.abuse.ch/downloads/text/", timedelta(minutes=5)),
        ("https://notabuse.ch/x", timedelta()),
        ("https://lists.corp.example/x", timedelta()),
        ("https://[::1", timedelta()),
    ],
)
def test_an_interval_is_as_configured_and_never_shorter_than_the_publishers(url: str, least: timedelta) -> None:
    assert least_interval(feed(url)) == least
    assert interval_of(feed(url)) == max(least, timedelta(minutes=1))
    assert interval_of(feed(url, 6000)) == timedelta(minutes=6000)


def test_every_row_has_its_source() -> None:
    assert all(one.source and one.least for one in PUBLISHERS)
    assert all(publisher_of(f"https://x.{one.domain}/") is one for one in PUBLISHERS)


def test_a_publisher_is_left_alone_after_an_answer_and_as_long_as_it_asks() -> None:
    drop = feed("https://www.spamhaus.org/drop/drop_v4.json")
    assert allowed_from(drop, Ledger()) is None
    assert allowed_from(drop, Ledger(answered=NOW)) == NOW + timedelta(hours=1)
    assert allowed_from(drop, Ledger(answered=NOW, not_before=NOW + timedelta(hours=3))) == NOW + timedelta(hours=3)
    assert allowed_from(feed("https://lists.corp.example/x"), Ledger(answered=NOW)) is None
    assert allowed_from(FeedConfig(name="a", path="x"), Ledger(answered=NOW)) is None  # type: ignore[arg-type]
