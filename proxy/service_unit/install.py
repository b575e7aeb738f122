"""Put the unit file in its place, whole or not at all. Starting it is the administrator's."""

from __future__ import annotations

import os
from pathlib import Path

from proxy.service_unit.unit import NAME

FOLDER = Path("/etc/systemd/system")


def install(text: str, folder: Path = FOLDER) -> Path:
    """Write the unit and return where it is. Raises OSError."""
    path = folder / NAME
    draft = folder / f".{NAME}.draft"
    try:
        draft.write_text(text)
        draft.chmod(0o644)
        os.replace(draft, path)  # noqa: PTH105 - the same, by its usual name
    finally:
        draft.unlink(missing_ok=True)
    return path
