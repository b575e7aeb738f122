"""The overlay as files: one per generation, and `current` that names the one in force. Written by the supervisor alone.

A file never changes after its name appears; the pointer is replaced by rename, so a reader sees one whole generation
or another.
"""

from __future__ import annotations

import re
from pathlib import Path

from indicators.overlay import Overlay, from_json, to_json

POINTER = "current"
_KEPT = 3  # generations; a reader may be about to open the one before
_NAME = re.compile(r"overlay-(\d{1,18})\.json")


def publish(folder: Path, overlay: Overlay) -> None:
    """Write a generation and point to it; remove generations long past."""
    name = f"overlay-{overlay.generation}.json"
    _put(folder / name, to_json(overlay))
    _put(folder / POINTER, name + "\n")
    for path in folder.glob("overlay-*.json"):
        found = _NAME.fullmatch(path.name)
        if found and not overlay.generation - _KEPT < int(found[1]) <= overlay.generation:
            path.unlink(missing_ok=True)


def current_name(folder: Path) -> str:
    """Return the name of the file in force, or an empty string where nothing has been published."""
    try:
        return (folder / POINTER).read_text().strip()
    except FileNotFoundError:
        return ""


def read(folder: Path, name: str) -> Overlay:
    """Read one generation. Raises ValueError or OSError, saying which file is wrong."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{folder / POINTER}: expected the name of an overlay, got {name!r:.60}")
    try:
        return from_json((folder / name).read_bytes())
    except ValueError as error:
        raise ValueError(f"{folder / name}: {error}") from None


def _put(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text)
    draft.chmod(0o600)
    draft.replace(path)
