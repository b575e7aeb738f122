"""How often each publisher may be asked at most: a table with its sources. Nothing is asked here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from proxy.config.sections.feeds import FeedConfig


@dataclass(frozen=True, slots=True)
class Publisher:
    """Hold one publisher: its domain (subdomains too), the shortest interval, and who says so."""

    domain: str
    least: timedelta
    source: str


PUBLISHERS = (
    Publisher("abuse.ch", timedelta(minutes=5), "https://urlhaus.abuse.ch/api/: made every 5 minutes, no oftener"),
    Publisher("spamhaus.org", timedelta(hours=1), "https://www.spamhaus.org/drop/: oftener is firewalled"),
    Publisher("phishtank.com", timedelta(hours=1), "https://phishtank.org/developer_info.php: made hourly"),
    Publisher("openphish.com", timedelta(hours=12), "https://openphish.com/phishing_feeds.html: made every 12 hours"),
    Publisher("phishunt.io", timedelta(hours=1), "https://phishunt.io/feeds/: made hourly"),
    Publisher("malware-filter.gitlab.io", timedelta(hours=12), "its README: updated twice a day"),
    Publisher("oisd.nl", timedelta(hours=12), "https://oisd.nl/setup: updated every 24 hours"),
    Publisher("crowdsec.net", timedelta(hours=1), "https://docs.crowdsec.net/u/integrations/intro"),
    Publisher("raw.githubusercontent.com", timedelta(minutes=15), "cached for 5 minutes; a courtesy to a free host"),
)


def publisher_of(url: str) -> Publisher | None:
    """Return the publisher in the table that an address belongs to."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return None
    return next((one for one in PUBLISHERS if f".{host}".endswith(f".{one.domain}")), None)


def least_interval(feed: FeedConfig) -> timedelta:
    """Return how long a feed's publisher wants to be left alone between two answers."""
    found = publisher_of(feed.url) if feed.url else None
    return found.least if found else timedelta()


def interval_of(feed: FeedConfig) -> timedelta:
    """Return how often a feed is looked at: as configured, and not more often than its publisher allows."""
    return max(feed.interval, least_interval(feed))
