"""A network namespace that has only loopback: what runs inside can reach nothing outside, so "no leak" is provable.

Needs root and `ip`; the namespace and its resolv.conf are removed on leaving.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sealed:
    name: str

    def command(self, *args: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *args]

    def run(self, *args: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*args), capture_output=True, text=True, timeout=timeout, check=False)

    def start(self, *args: str, log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            return subprocess.Popen(self.command(*args), stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def why_not() -> str:
    """Say what is missing for a namespace of our own; empty when nothing is."""
    if os.geteuid() != 0:
        return "needs root for a network namespace"
    return "" if shutil.which("ip", path=os.environ["PATH"] + ":/sbin:/usr/sbin") else "needs `ip` (Debian: iproute2)"


@contextlib.contextmanager
def sealed_namespace(*addresses: str, nameserver: str = "127.0.0.1") -> Iterator[Sealed]:
    """Make a namespace with loopback, the addresses given on it, and a resolv.conf of its own."""
    sealed = Sealed(f"seawall-{uuid.uuid4().hex[:8]}")
    etc = Path("/etc/netns") / sealed.name
    subprocess.run(["ip", "netns", "add", sealed.name], check=True)
    try:
        etc.mkdir(parents=True)
        (etc / "resolv.conf").write_text(f"nameserver {nameserver}\n")
        subprocess.run(["ip", "-n", sealed.name, "link", "set", "lo", "up"], check=True)
        for address in addresses:
            subprocess.run(["ip", "-n", sealed.name, "addr", "add", address, "dev", "lo"], check=True)
        yield sealed
    finally:
        shutil.rmtree(etc, ignore_errors=True)
        subprocess.run(["ip", "netns", "del", sealed.name], check=True)
