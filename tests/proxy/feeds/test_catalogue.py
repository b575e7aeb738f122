"""The catalogue in the committed config.yaml: what is on is free, keyless and safe; what is off says why."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from indicators.words import Action
from proxy.config.load import load_config
from proxy.config.sections.feeds import FeedConfig
from proxy.feeds.job import doubt_of, format_of, publisher_of
from proxy.feeds.publishers import interval_of

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = load_config(ROOT / "config.yaml").config.feeds


def name(feed: FeedConfig) -> str:
    return feed.name


@pytest.mark.parametrize("feed", CATALOGUE, ids=name)
def test_every_feed_says_what_it_is_and_what_its_terms_are(feed: FeedConfig) -> None:
    assert feed.url
    assert feed.terms
    assert urlsplit(feed.url).scheme == "https"
    assert doubt_of(feed) == ""
    assert format_of(feed) != "auto"
    assert interval_of(feed) == feed.interval >= timedelta(minutes=15), "as often as its publisher allows"
    assert {"category", "interval"} <= feed.model_fields_set
    assert not feed.allow_rewrite
    assert not feed.insecure_ok


@pytest.mark.parametrize("feed", [feed for feed in CATALOGUE if feed.enabled], ids=name)
def test_what_is_on_is_free_for_everyone_and_needs_no_key(feed: FeedConfig) -> None:
    assert feed.key is None
    assert feed.commercial_use == "allowed"
    assert feed.licence or "Free for everyone" in feed.terms
    assert feed.category.value not in ("unwanted", "suspicious")
    assert feed.action is Action.BLOCK


def test_licences_that_forbid_commercial_use_are_marked_and_off() -> None:
    forbidden = {feed.name for feed in CATALOGUE if feed.commercial_use == "forbidden"}
    assert {"openphish", "safebrowsing-phishing", "safebrowsing-malware"} <= forbidden
    assert not [feed.name for feed in CATALOGUE if feed.enabled and feed.name in forbidden]
    assert not [feed.name for feed in CATALOGUE if "-NC-" in feed.licence and feed.commercial_use == "allowed"]


def test_it_knows_the_field() -> None:
    publishers = {publisher_of(feed) for feed in CATALOGUE}
    assert {"abuse.ch", "spamhaus.org", "openphish.com", "phishtank.com"} <= publishers
    assert len([feed for feed in CATALOGUE if feed.enabled]) >= 10
    assert {feed.protocol for feed in CATALOGUE} >= {"download", "misp", "safebrowsing"}
