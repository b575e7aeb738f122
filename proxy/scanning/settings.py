"""What a scan process is told when it starts. Values only; they cross as one JSON text."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from addons.scanning.limits import Limits


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """Say how files are scanned. `rules` are files and folders of YARA rules; `clamd` is a daemon's address or empty.

    `memory` bounds a scan process in bytes of address space: what a hostile file makes a parser ask for beyond it
    ends that scan, not the machine.
    """

    limits: Limits = field(default_factory=Limits)
    rules: tuple[Path, ...] = ()
    clamd: str = ""
    memory: int = 2 << 30

    def text(self) -> str:
        """Return the form for a scan process."""
        return json.dumps({**asdict(self), "rules": [str(path) for path in self.rules]})


def read(text: str) -> ScanSettings:
    """Read what `text` gave."""
    held = json.loads(text)
    return ScanSettings(
        limits=Limits(**held["limits"]),
        rules=tuple(map(Path, held["rules"])),
        clamd=held["clamd"],
        memory=held["memory"],
    )
