"""`endpoints.json`: the addresses really bound, for scripts and for our own commands. It exists while we serve."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write(path: Path, endpoints: Mapping[str, Any]) -> None:
    """Publish the file whole, 0600: it holds the read token."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(dict(endpoints), file, indent=1)
        file.write("\n")
    draft.replace(path)


def read(path: Path) -> dict[str, Any]:
    """Read the file. Raises FileNotFoundError when no gateway runs, ValueError when it is damaged."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        raise FileNotFoundError("no gateway is running here: start it with `seawall run`") from None
    except ValueError:
        raise ValueError(f"{path}: is damaged; restart the gateway to write it anew") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: is damaged; restart the gateway to write it anew")
    return found


def spell(host: str, port: int) -> str:
    """Return `address:port`, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split(text: str) -> tuple[str, int]:
    """Return address and port of `spell`'s form. Raises ValueError."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
