"""What benchmark `enrol` does with devices: the commands of a person who enrols one, and of a phone that is handed it.

Nothing is measured here.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Missing
from benchmarks.processes import beside_python, program
from benchmarks.setting import load_cores, pinned
from benchmarks.tunnel_network import Network, Tunnel, interface

LISTED = "listed.test"  # blocked by the gateway's own indicators
_LIMIT = 120.0  # seconds for one command, and until the page comes
_RESOLVERS = Path("/etc/netns")  # `ip netns exec` shows a namespace its own resolv.conf from here


@dataclass(frozen=True, slots=True)
class Handed:
    """Hold what a device's `.conf` says."""

    path: Path
    tunnel: Tunnel
    dns: str
    mtu: int


def add(made: Network, config: Path, name: str, out: Path) -> Handed:
    """Run `seawall devices add`, which writes the device's files into a new folder below `out`."""
    folder = out / name
    seawall(made, config, "add", name, "--out", str(folder))
    return read(folder / f"{name}.conf")


def seawall(made: Network, config: Path, *words: str) -> None:
    """Run `seawall devices` at the gateway. Raises Missing with its last words."""
    command = made.words("gateway", beside_python("seawall"), "devices", *words, "--config", str(config))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LIMIT)
    if done.returncode != 0:
        raise Missing(f"seawall devices {words[0]}: {done.stderr.strip()[-300:]}")


def read(path: Path) -> Handed:
    """Read a `.conf` of one peer."""
    parser = ConfigParser(interpolation=None)
    parser.read_string(path.read_text())
    own, peer = parser["Interface"], parser["Peer"]
    address = own["Address"].partition(",")[0].partition("/")[0]
    port = int(peer["Endpoint"].rpartition(":")[2])
    tunnel = Tunnel(own["PrivateKey"], peer["PublicKey"], port, address)
    return Handed(path, tunnel, own["DNS"].partition(",")[0].strip(), int(own["MTU"]))


@contextmanager
def attached(made: Network, name: str, handed: Handed, routes: Sequence[str], folder: Path) -> Iterator[None]:
    """Bring the phone's end up with what `wg-quick strip` leaves of its file, and lead these networks through it."""
    wg_quick = program("wg-quick", "wireguard-tools")
    stripped = made.run("phone", wg_quick, "strip", str(handed.path)).splitlines()
    address = f"{handed.tunnel.address}/32"
    with interface(made, "phone", name, stripped, address, folder, handed.mtu), _resolver(made, handed.dns):
        for route in routes:
            made.run("phone", "ip", "route", "add", route, "dev", name)
        yield


@contextmanager
def _resolver(made: Network, address: str) -> Iterator[None]:
    """Have the phone ask one resolver."""
    own, others = _RESOLVERS / made.name("phone"), _RESOLVERS.exists()
    own.mkdir(parents=True)
    try:
        (own / "resolv.conf").write_text(f"nameserver {address}\noptions timeout:1 attempts:5\n")
        yield
    finally:
        shutil.rmtree(own)
        if not others:
            _RESOLVERS.rmdir()


def wait_for_page(made: Network) -> None:
    """Ask for a listed host on the phone until its block page comes. Raises Missing where it does not."""
    command = [program("curl", "curl"), "-s", "-m", "10", "-w", "\n%{http_code}", f"http://{LISTED}/"]
    until, done = time.monotonic() + _LIMIT, ""
    while not is_page(done):
        if time.monotonic() > until:
            raise Missing(f"no block page came to the phone: {done.strip()[-100:]}")
        with pinned(load_cores()):
            done = subprocess.run(
                made.words("phone", *command), capture_output=True, text=True, check=False, timeout=_LIMIT
            ).stdout


def is_page(said: str) -> bool:
    """Say whether curl was given the block page of the listed host: the body, and its status in the last line."""
    body, _, status = said.rpartition("\n")
    return status == "403" and LISTED in body
