"""Phones of a test: network namespaces that come to a gateway through WireGuard alone, each with a wireguard-go.

The tunnel is set up by `wg setconf` from what the gateway told (`devices add`), and everything goes through it. The
names of interfaces are unique, since wireguard-go's sockets are shared between namespaces.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.namespaces import Namespace, Network

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Phone:
    """Hold a phone: its namespace, and the name of its tunnel's interface there."""

    namespace: Namespace
    interface: str

    def python(self, code: str, *arguments: str, timeout: float = 60) -> str:
        """Run Python code on the phone; an error fails the test."""
        return self.namespace.python(code, *arguments, timeout=timeout)

    def run(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command on the phone; it may fail."""
        return self.namespace.run(*words, timeout=timeout)


@contextlib.contextmanager
def phone(
    at: Namespace, tunnel: Mapping[str, Any], folder: Path, *, addresses: list[str] | None = None
) -> Iterator[Phone]:
    """Bring a tunnel up in a namespace. `addresses` are another's, for a phone that poses."""
    name = f"wgp{os.getpid() % 100000}x{next(_numbers)}"[:15]
    conf = folder / f"{name}.conf"
    conf.write_text(
        f"[Interface]\nPrivateKey = {tunnel['private_key']}\n\n[Peer]\nPublicKey = {tunnel['server_key']}\n"
        f"AllowedIPs = {', '.join(tunnel['allowed_ips'])}\nEndpoint = {tunnel['endpoint']}\nPersistentKeepalive = 1\n"
    )
    process = subprocess.Popen(
        at.command("wireguard-go", "-f", name), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=_quiet()
    )
    try:
        _until(lambda: at.run("wg", "show", name, "listen-port").returncode == 0)
        for words in _commands(name, str(conf), addresses or tunnel["addresses"], tunnel["mtu"], tunnel["allowed_ips"]):
            done = at.run(*words)
            assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
        yield Phone(at, name)
    finally:
        process.terminate()
        process.wait(10)
        Path("/var/run/wireguard", f"{name}.sock").unlink(missing_ok=True)


def _commands(name: str, conf: str, addresses: list[str], mtu: int, allowed: list[str]) -> Iterator[list[str]]:
    yield ["wg", "setconf", name, conf]
    for address in addresses:
        v6 = ":" in address
        yield ["ip", "addr", "add", f"{address}/{128 if v6 else 32}", "dev", name, *(["nodad"] if v6 else [])]
    yield ["ip", "link", "set", name, "mtu", str(mtu), "up"]
    for network in allowed:
        yield ["ip", "-6" if ":" in network else "-4", "route", "replace", network, "dev", name]


def _until(what: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "the tunnel does not come up"
        time.sleep(0.05)


def _quiet() -> dict[str, str]:
    return {**os.environ, "LOG_LEVEL": "error"}


@contextlib.contextmanager
def another_place(lan: Network) -> Iterator[Namespace]:
    """Make one more namespace beside the gateway, for one more phone."""
    number = next(_numbers)
    place = Namespace(f"{lan.phone.name}{number}")
    ours, its, inside = f"lan{number}", "up0", place.name
    for words in (
        ("netns", "add", inside),
        ("-n", inside, "link", "set", "lo", "up"),
        ("link", "add", its, "netns", inside, "type", "veth", "peer", "name", ours, "netns", lan.gateway.name),
        ("-n", inside, "addr", "add", f"10.79.{number}.2/24", "dev", its),
        ("-n", lan.gateway.name, "addr", "add", f"10.79.{number}.1/24", "dev", ours),
        ("-n", inside, "link", "set", its, "up"),
        ("-n", lan.gateway.name, "link", "set", ours, "up"),
        ("-n", inside, "route", "add", "10.77.0.0/24", "via", f"10.79.{number}.1"),
    ):
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
    try:
        yield place
    finally:
        subprocess.run(["ip", "netns", "del", inside], capture_output=True, check=False)
