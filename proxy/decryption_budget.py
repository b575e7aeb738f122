"""The decryption budget: which connections were opened, for what and for whom, what could not be enforced or seen.

Each process counts for itself and writes its counts to a file of its own now and then, never on the way of a
connection; whoever wants the whole adds the files up. Counts go on over a restart.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from indicators.observation import Device

_WRITE_EVERY = 2.0  # seconds
_KINDS = 4000  # of pairs counted apart; further ones are one row
_OTHERS = "others"
OPENED, UNENFORCED, UNSEEN = KINDS = ("opened", "unenforced", "unseen")


@dataclass(frozen=True, slots=True)
class Row:
    """Count connections of one device for one reason.

    `opened`: they were decrypted because of `why`, an indicator or a setting. `unenforced`: they passed unopened though
    URLs on the host `why` are listed, because the device has not shown that it trusts our CA. `unseen` are downloads on
    opened ones that passed without being looked into to their end, and `why`.
    """

    what: str
    device: str
    name: str
    why: str
    count: int


class DecryptionBudget:
    """Count in one process. `run` keeps the file current."""

    def __init__(self, folder: Path, process: str, clock: Callable[[], datetime]) -> None:
        self._file = folder / f"{process}.json"
        self._clock = clock
        self._since = clock().isoformat(timespec="seconds")
        self._counts: dict[tuple[str, str, str], int] = {}
        self._names: dict[str, str] = {}
        self._written = True
        self._go_on()

    def opened(self, device: Device, why: str) -> None:
        """Count a connection that is decrypted."""
        self._add(OPENED, device, why)

    def unenforced(self, device: Device, host: str) -> None:
        """Count a connection that passes although URLs on its host are listed."""
        self._add(UNENFORCED, device, host)

    def unseen(self, device: Device, why: str) -> None:
        """Count a download that passes though it was not, or not wholly, looked into."""
        self._add(UNSEEN, device, why)

    def _add(self, what: str, device: Device, why: str) -> None:
        key = (what, device.id, why)
        if key not in self._counts and len(self._counts) >= _KINDS:
            key = (what, _OTHERS, _OTHERS)
        self._counts[key] = self._counts.get(key, 0) + 1
        self._names[key[1]] = device.name if key[1] == device.id else _OTHERS
        self._written = False

    async def run(self) -> None:
        """Write what changed, until cancelled; then write the rest."""
        try:
            while True:
                await asyncio.sleep(_WRITE_EVERY)
                self.write()
        finally:
            self.write()

    def write(self) -> None:
        """Write the file, if anything has changed."""
        if self._written:
            return
        rows = [Row(what, device, self._names[device], why, n) for (what, device, why), n in self._counts.items()]
        draft = self._file.with_suffix(".draft")
        draft.parent.mkdir(mode=0o700, exist_ok=True)
        draft.write_text(json.dumps({"since": self._since, "rows": [asdict(row) for row in rows]}))
        draft.chmod(0o600)
        draft.replace(self._file)
        self._written = True

    def _go_on(self) -> None:
        """Take up the counts of the process before this one."""
        found = _read(self._file)
        self._since = found.get("since", self._since)
        for row in _rows(found):
            self._counts[row.what, row.device, row.why] = row.count
            self._names[row.device] = row.name


@dataclass(frozen=True, slots=True)
class Report:
    """Hold the counts of all processes, the most first."""

    since: str
    rows: tuple[Row, ...]

    def total(self, what: str) -> int:
        """Return how many connections were `opened` or `unenforced`, or how many downloads `unseen`."""
        return sum(row.count for row in self.rows if row.what == what)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        rows = {what: [_slim(row) for row in self.rows if row.what == what] for what in KINDS}
        return {"since": self.since, "totals": {what: self.total(what) for what in rows}, **rows}


def report(folder: Path) -> Report:
    """Add up what all processes have counted."""
    files = [_read(path) for path in sorted(folder.glob("*.json"))] if folder.is_dir() else []
    counts: dict[tuple[str, str, str, str], int] = {}
    for row in (row for found in files for row in _rows(found)):
        key = (row.what, row.device, row.name, row.why)
        counts[key] = counts.get(key, 0) + row.count
    rows = sorted((Row(*key, count) for key, count in counts.items()), key=lambda row: (-row.count, row.why))
    return Report(min((str(found["since"]) for found in files if "since" in found), default=""), tuple(rows))


def _slim(row: Row) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name != "what"}


def _read(path: Path) -> dict[str, Any]:
    """Read a file; one that is damaged counts as none."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _rows(found: dict[str, Any]) -> Iterator[Row]:
    for each in found.get("rows", ()):
        try:
            yield Row(**each)
        except TypeError:
            continue
