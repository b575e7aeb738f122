"""What is known of one feed between runs: its last good version, what it answered last, and what is held back.

One JSON file for each feed, replaced whole; the process that holds the lock of the feeds' folder alone writes it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from proxy.feeds.store import write_whole
from proxy.state import StateDir

_log = logging.getLogger(__name__)


class Version(BaseModel):
    """Name one version of a feed's content by its hash, with what parsing it gave."""

    model_config = ConfigDict(frozen=True)

    digest: str
    format: str
    entries: int
    arrived: datetime


class Ledger(BaseModel):
    """Hold the state of one feed.

    `checked` is the last time it was had, `answered` the last time its publisher said anything, `tried` the last time
    it was asked, and `not_before` when the publisher wants to be asked again. `etag`, `modified` and `cursor` belong to
    `seen`, the last version that arrived, good or held; `failures` counts tries since the last version. `previous` was
    good before `good`: only what it was parsed into is kept.
    """

    model_config = ConfigDict(frozen=True)

    source: str = ""
    good: Version | None = None
    previous: Version | None = None
    held: Version | None = None
    held_why: str = ""
    seen: str = ""
    etag: str = ""
    modified: str = ""
    cursor: str = ""
    tried: datetime | None = None
    checked: datetime | None = None
    answered: datetime | None = None
    not_before: datetime | None = None
    failures: int = 0
    error: str = ""
    note: str = ""


def folder(state: StateDir, name: str) -> Path:
    """Return the folder of one feed."""
    return state.feeds / name


def read(state: StateDir, name: str) -> Ledger:
    """Return what is known of a feed; nothing is known when the file is missing or damaged (which is logged)."""
    path = folder(state, name) / "ledger.json"
    try:
        return Ledger.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Ledger()
    except ValidationError as error:
        _log.error("%s: damaged, the feed is fetched anew: %s", path, error)
        return Ledger()


def write(state: StateDir, name: str, ledger: Ledger) -> None:
    """Replace what is known of a feed."""
    folder(state, name).mkdir(mode=0o700, exist_ok=True)
    write_whole(folder(state, name) / "ledger.json", ledger.model_dump_json(indent=1).encode())


def content_path(state: StateDir, name: str, digest: str) -> Path:
    """Return the file that holds one version's text."""
    return folder(state, name) / f"{digest[:32]}.list"


def tidy(state: StateDir, name: str, ledger: Ledger) -> None:
    """Remove the files of versions that are neither good nor held; of the one before, its text."""
    keep = {version.digest[:32] for version in (ledger.good, ledger.held) if version}
    before = ledger.previous.digest[:32] if ledger.previous else ""
    for path in folder(state, name).iterdir():
        version = path.name.partition(".")[0]
        wanted = version in keep or (version == before and path.suffix in (".rows", ".json"))
        if path.name != "ledger.json" and not wanted:
            path.unlink(missing_ok=True)
