"""The secret that a publisher gave: read from the environment or a file, sent as it asks, and never shown.

It is read in the feed process, at each update, and stands in no configuration, job, log, error or status.
"""

from __future__ import annotations

import os
import stat
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from yarl import URL

from proxy.config.feed_findings import PLACEHOLDER
from proxy.config.sections.feeds import FeedConfig, FeedKey
from proxy.feeds.inflate import FeedError

_MAX_SECRET = 4096  # bytes
_LEAST_HIDDEN = 4  # characters: hiding a shorter one would garble any text


@dataclass(frozen=True, slots=True)
class Secret:
    """Hold one secret and how it is sent. An empty one is not sent."""

    value: str = field(default="", repr=False)
    send: str = "header"
    name: str = ""
    user: str = ""

    def on(self, url: str) -> URL:
        """Return an address with the secret in it, where that is how it is sent."""
        if self.value and self.send == "url":
            return URL(url.replace(PLACEHOLDER, quote(self.value, safe="")), encoded=True)
        found = URL(url)
        return found.update_query({self.name: self.value}) if self.value and self.send == "query" else found

    def headers(self) -> dict[str, str]:
        """Return the headers that carry it."""
        if not self.value:
            return {}
        if self.send == "basic":
            return {"Authorization": "Basic " + b64encode(f"{self.user}:{self.value}".encode()).decode()}
        if self.send == "bearer":
            return {"Authorization": f"Bearer {self.value}"}
        return {self.name: self.value} if self.send == "header" else {}

    def hide(self, text: str) -> str:
        """Return a text without the secret, however it is spelt in it."""
        spellings = {self.value, quote(self.value, safe=""), b64encode(f"{self.user}:{self.value}".encode()).decode()}
        for spelling in sorted(spellings, key=len, reverse=True) if len(self.value) >= _LEAST_HIDDEN else ():
            text = text.replace(spelling, "***")
        return text


NO_SECRET = Secret()


def read_secret(feed: FeedConfig) -> Secret:
    """Return a feed's secret. Raises FeedError, saying what to do, when it is not there."""
    if feed.key is None:
        return NO_SECRET
    value = _from_file(feed.key.file) if feed.key.file else _from_environment(feed.key)
    if not value.isprintable() or not value:
        raise FeedError(f"the secret in {_place(feed.key)} is empty or holds characters that no secret has")
    return Secret(value, feed.key.send, feed.key.name, feed.key.user)


def _place(key: FeedKey) -> str:
    return str(key.file) if key.file else f"${key.env}"


def _from_environment(key: FeedKey) -> str:
    try:
        return os.environ[key.env or ""].strip()
    except KeyError:
        raise FeedError(f"it needs a key of yours: set the environment variable {key.env}") from None


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read(_MAX_SECRET + 1)
    except OSError as error:
        raise FeedError(f"it needs a key of yours: cannot read {path}: {error.strerror or error}") from None
    if found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) & 0o077:
        raise FeedError(f"others can read the secret in {path}: run chmod 600 {path}")
    if len(text) > _MAX_SECRET:
        raise FeedError(f"{path} is too large to be a secret")
    return text.decode("utf-8", "replace").strip()
