"""`scan:` how downloads are looked into. Nothing is read or resolved here."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from addons.scanning.kinds import Group
from proxy.config.values import Duration, Section, whole_number

type Consequence = Literal["allow", "warn", "block"]


class ScanConfig(Section):
    """How downloads are looked into, on flows that are inspected. Play and App Store installs are never seen."""

    enabled: bool = True
    """Look into files; when off, a download is only hashed."""
    kinds: tuple[Group, ...] = tuple(Group)
    """Kinds of file to look into, told by content."""
    rules: tuple[Path, ...] = ()
    """Files and folders of YARA rules, relative to config.yaml."""
    clamd: Annotated[str, Field(pattern=r"^(|/.+|.+:\d+)$")] = ""
    """A ClamAV daemon that is asked too: its Unix socket or address."""
    processes: Annotated[int, Field(ge=1, le=32), BeforeValidator(whole_number)] = 1
    """Scan processes of each inspector; started when first needed."""
    hold: Duration = timedelta(seconds=30)
    """How long a download waits for its scan at most; then `policy.on_error` decides."""
    memory: Annotated[int, Field(ge=32, le=65_536), BeforeValidator(whole_number)] = 96
    """MiB of downloads that each inspector holds at the same time; others wait for their turn."""
    suspicious: Consequence = "warn"
    """What follows for an app whose permissions are those of stalkerware or banking trojans, or by a mild rule."""
    bombs: Consequence = "block"
    """What follows for an archive that inflates beyond all limits."""
    unreadable: Consequence = "allow"
    """What follows for an archive that is encrypted, damaged or of a kind that cannot be opened."""
