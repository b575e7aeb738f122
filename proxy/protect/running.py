"""Read where the running gateway is, for what is to lead to it. Nothing is changed here."""

from __future__ import annotations

from typing import Any

from proxy import endpoints
from proxy.config.model import Config
from proxy.protect.way import ProtectError
from proxy.state import StateDir


def running_endpoints(config: Config) -> dict[str, Any]:
    """Return what endpoints.json says. Raises ProtectError where no gateway runs, or this user may not know."""
    try:
        return endpoints.read(StateDir(config.state_dir).endpoints)
    except PermissionError:
        raise ProtectError("the gateway's state cannot be read: run this as root, with sudo") from None
    except (OSError, ValueError) as problem:
        raise ProtectError(str(problem)) from None
