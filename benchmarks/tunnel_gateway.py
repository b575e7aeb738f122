"""The gateway of benchmarks `wireguard` and `enrol`: `seawall run` with a tunnel, in a namespace. Enrols nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.processes import gateway
from benchmarks.setting import server_cores
from benchmarks.tunnel_network import GATEWAY, Network

_PORTS = "53201-53299"  # inside a namespace of our own nobody else has them; one for each device in user space


@contextmanager
def tunnel_gateway(
    backend: str, made: Network, folder: Path, more: Mapping[str, Any] | None = None
) -> Iterator[tuple[Path, Path]]:
    """Run it until the block ends; give its configuration and its state directory."""
    settings = {
        "user": "root",
        "proxy": {"allow_private": ["203.0.113.0/24"]},
        "collector": {"url": "http://127.0.0.1:9"},
        "wireguard": {
            "enabled": True,
            "backend": backend,
            "endpoint": GATEWAY,
            "interface": f"b{os.getpid() % 100_000}g{backend[:4]}",
            "ports": _PORTS,
        },
        **(more or {}),
    }
    with gateway(folder, server_cores(), settings, made.words("gateway")):
        yield folder / "gateway.yaml", folder / "gateway"
