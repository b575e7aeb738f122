"""The network of benchmarks `wireguard` and `enrol`: a phone, a gateway, an origin (namespaces) and tunnels to them.

    phone 10.77.0.2 -- 10.77.0.1 gateway 10.78.0.1 -- 10.78.0.2 origin (203.0.113.11 and following)

Each subject has an origin's address of its own, to which its tunnel alone leads. Nothing is measured here.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.harness import Missing
from benchmarks.processes import program, running
from benchmarks.setting import ROOT, load_cores, pinned

GATEWAY = "10.77.0.1"
_LINKS = (  # namespace, interface, address
    ("phone", "up0", "10.77.0.2/24"),
    ("gateway", "lan0", f"{GATEWAY}/24"),
    ("gateway", "wan0", "10.78.0.1/24"),
    ("origin", "down0", "10.78.0.2/24"),
)


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Say how a phone gets through one subject: its own private key, the other side's public one, and its address."""

    private: str
    server: str
    port: int
    address: str


class Network:
    """Hold the three namespaces, by their parts' names."""

    def __init__(self) -> None:
        self._mark = f"swb{os.getpid()}"

    def words(self, part: str, *command: str) -> list[str]:
        """Return a command line that runs in one of the namespaces."""
        return ["ip", "netns", "exec", self.name(part), *command]

    def name(self, part: str) -> str:
        """Return a namespace's name."""
        return f"{self._mark}{part}"

    def run(self, part: str, *command: str) -> str:
        """Run a command in a namespace and return what it printed. Raises Missing with its last words."""
        return _run(self.words(part, *command))


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """Make the namespaces and take them away again. Raises Missing without root."""
    if os.geteuid() != 0:
        raise Missing("network namespaces need root")
    program("ip", "iproute2")
    made = Network()
    try:
        _make(made)
        yield made
    finally:
        for part in ("phone", "gateway", "origin"):
            subprocess.run(["ip", "netns", "del", made.name(part)], capture_output=True, check=False)


def _make(made: Network) -> None:
    phone, gateway, origin = (made.name(part) for part in ("phone", "gateway", "origin"))
    for name in (phone, gateway, origin):
        _run(["ip", "netns", "add", name])
        _run(["ip", "-n", name, "link", "set", "lo", "up"])
    _run(["ip", "link", "add", "up0", "netns", phone, "type", "veth", "peer", "name", "lan0", "netns", gateway])
    _run(["ip", "link", "add", "wan0", "netns", gateway, "type", "veth", "peer", "name", "down0", "netns", origin])
    for part, link, address in _LINKS:
        _run(["ip", "-n", made.name(part), "addr", "add", address, "dev", link])
        _run(["ip", "-n", made.name(part), "link", "set", link, "up"])
    _run(["ip", "-n", origin, "route", "add", "default", "via", "10.78.0.1"])
    _run(["ip", "-n", gateway, "route", "add", "203.0.113.0/24", "via", "10.78.0.2"])
    made.run("gateway", "sysctl", "-qw", "net.ipv4.ip_forward=1")


@contextlib.contextmanager
def interface(
    made: Network, part: str, name: str, settings: Sequence[str], address: str, folder: Path, mtu: int = 1420
) -> Iterator[None]:
    """Run wireguard-go in a namespace with an interface of this name, set up by `wg setconf`."""
    conf = folder / f"{name}.conf"
    conf.touch(0o600)
    conf.write_text("\n".join(settings) + "\n")
    command = made.words(part, program("wireguard-go", "wireguard-go"), "-f", name)
    there = partial(_has_interface, made, part, name)
    with running(command, load_cores() if part == "phone" else [], there, folder / f"{name}.log"):
        made.run(part, program("wg", "wireguard-tools"), "setconf", name, str(conf))
        made.run(part, "ip", "addr", "add", address, "dev", name)
        made.run(part, "ip", "link", "set", name, "mtu", str(mtu), "up")
        try:
            yield
        finally:
            Path("/var/run/wireguard", f"{name}.sock").unlink(missing_ok=True)


@contextlib.contextmanager
def client(made: Network, name: str, tunnel: Tunnel, origin: str, folder: Path) -> Iterator[None]:
    """Bring the phone's end of a tunnel up, and lead one origin's address through it."""
    settings = [
        *("[Interface]", f"PrivateKey = {tunnel.private}", "[Peer]", f"PublicKey = {tunnel.server}"),
        *("AllowedIPs = 0.0.0.0/0", f"Endpoint = {GATEWAY}:{tunnel.port}", "PersistentKeepalive = 5"),
    ]
    with interface(made, "phone", name, settings, f"{tunnel.address}/32", folder):
        made.run("phone", "ip", "route", "add", f"{origin}/32", "dev", name)
        yield


@contextlib.contextmanager
def delayed(made: Network, name: str, tunnel: Tunnel, one_way: float) -> Iterator[None]:
    """Lead a tunnel by way of a relay that delays, until the block ends."""
    words = made.words("phone", sys.executable, "-m", "benchmarks.delay_relay", GATEWAY, str(tunnel.port), str(one_way))
    with pinned(load_cores()):
        child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        port = int(child.stdout.readline())
        _endpoint(made, name, tunnel, f"127.0.0.1:{port}")
        yield
    finally:
        _endpoint(made, name, tunnel, f"{GATEWAY}:{tunnel.port}")
        child.kill()
        child.wait()
        child.stdout.close()


def _endpoint(made: Network, name: str, tunnel: Tunnel, where: str) -> None:
    made.run("phone", "wg", "set", name, "peer", tunnel.server, "endpoint", where)


def _has_interface(made: Network, part: str, name: str) -> bool:
    done = subprocess.run(made.words(part, "wg", "show", name, "listen-port"), capture_output=True, check=False)
    return done.returncode == 0


def _run(words: Sequence[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise Missing(f"{' '.join(words[-6:])}: {done.stderr.strip()[:300]}")
    return done.stdout
