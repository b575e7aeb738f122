"""Links by which one device is set up: each expires and opens once, and what it holds is never written anywhere.

Like console tickets these live in memory: they are good for an hour, and whoever restarts a collector makes new ones.
Opening a link is a step of its own, so that a messenger's preview does not use it up; what it held can then be fetched
for some minutes by the browser that opened it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

OPEN_FOR = timedelta(minutes=15)
MOST = 64
MOST_BYTES = 512 * 1024  # of one link's files
LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """Hold one file: its content, its media type, and what it is for."""

    body: bytes
    media: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Offer:
    """Hold what one link hands out. `lines` are what a person types, by a word for each."""

    device: str
    files: Mapping[str, OfferedFile]
    lines: Mapping[str, str]
    until: datetime
    opener: str = ""  # hash of the opening browser's secret; empty while the link is unused


class Enrolments:
    """Keep offers by the hash of their code. One event loop."""

    def __init__(self) -> None:
        self._offers: dict[str, Offer] = {}

    def add(self, offer: Offer, now: datetime) -> str:
        """Keep an offer and return its code; the oldest gives way when there are too many."""
        self._offers = {code: held for code, held in self._offers.items() if held.until > now}
        while len(self._offers) >= MOST:
            del self._offers[next(iter(self._offers))]
        code = secrets.token_urlsafe(24)
        self._offers[_hash(code)] = offer
        return code

    def unopened(self, code: str, now: datetime) -> Offer | None:
        """Return what a link will hand out; nothing for one that is unknown, used or late."""
        found = self._offers.get(_hash(code))
        return found if found and found.until > now and not found.opener else None

    def open(self, code: str, now: datetime) -> str | None:
        """Use a link up and return the secret by which its files can be had for some minutes."""
        found = self.unopened(code, now)
        if found is None:
            return None
        secret = secrets.token_urlsafe(24)
        self._offers[_hash(code)] = replace(found, opener=_hash(secret), until=now + OPEN_FOR)
        return secret

    def opened(self, secret: str, now: datetime) -> Offer | None:
        """Return what a browser may fetch by its secret."""
        wanted = _hash(secret)
        return next((held for held in self._offers.values() if held.opener == wanted and held.until > now), None)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
