"""Three network namespaces of one test: a phone, a gateway, and a net behind it; IPv4 and IPv6; nothing reaches out.

    phone 10.77.0.2 -- 10.77.0.1 gateway 10.78.0.1 -- 10.78.0.2 net (203.0.113.10, 2001:db8:1::10)

Names are unique to the process and the namespaces go at the end of the test, also of one that failed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = {4: "203.0.113.10", 6: "2001:db8:1::10"}
GATEWAY = {4: "10.77.0.1", 6: "fd77::1"}
LAN = "lan0"  # the gateway's interface towards the phone

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Namespace:
    """Hold one namespace by its name."""

    name: str

    def command(self, *words: str) -> list[str]:
        """Return a command line that runs in here."""
        return ["ip", "netns", "exec", self.name, *words]

    def run(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command in here and wait for it; it may fail."""
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=timeout, check=False, cwd=ROOT
        )

    def python(self, code: str, *arguments: str, timeout: float = 60) -> str:
        """Run Python code in here and return what it printed; an error fails the test."""
        done = self.run(sys.executable, "-c", code, *arguments, timeout=timeout)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    @contextlib.contextmanager
    def started(self, code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run Python code in here until the block ends; what it prints can be read meanwhile."""
        process = subprocess.Popen(
            self.command(sys.executable, "-u", "-c", code, *arguments), stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    @contextlib.contextmanager
    def serving(self, code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run Python code in here until the block ends; it prints a line when it is ready."""
        process = subprocess.Popen(
            self.command(sys.executable, "-u", "-c", code, *arguments),
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
            yield process
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@dataclass(frozen=True, slots=True)
class Network:
    """Hold the three namespaces."""

    phone: Namespace
    gateway: Namespace
    net: Namespace


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """Make the namespaces and take them away again."""
    mark = f"sw{os.getpid()}x{next(_numbers)}"
    made = Network(*(Namespace(f"{mark}{part}") for part in ("phone", "gw", "net")))
    try:
        for each in (made.phone, made.gateway, made.net):
            _ip("netns", "add", each.name)
            _ip("-n", each.name, "link", "set", "lo", "up")
        _connect(made)
        yield made
    finally:
        for each in (made.phone, made.gateway, made.net):
            subprocess.run(["ip", "netns", "del", each.name], capture_output=True, check=False)


def _connect(made: Network) -> None:
    phone, gateway, net = (each.name for each in (made.phone, made.gateway, made.net))
    _ip("link", "add", "up0", "netns", phone, "type", "veth", "peer", "name", LAN, "netns", gateway)
    _ip("link", "add", "wan0", "netns", gateway, "type", "veth", "peer", "name", "down0", "netns", net)
    for where, link, v4, v6 in (
        (phone, "up0", "10.77.0.2/24", "fd77::2/64"),
        (gateway, LAN, "10.77.0.1/24", "fd77::1/64"),
        (gateway, "wan0", "10.78.0.1/24", "fd78::1/64"),
        (net, "down0", "10.78.0.2/24", "fd78::2/64"),
        (net, "lo", f"{ORIGIN[4]}/32", f"{ORIGIN[6]}/128"),
    ):
        _ip("-n", where, "addr", "add", v4, "dev", link)
        _ip("-n", where, "-6", "addr", "add", v6, "dev", link, "nodad")
        _ip("-n", where, "link", "set", link, "up")
    for where, v4, v6 in (
        (phone, "10.77.0.1", "fd77::1"),
        (net, "10.78.0.1", "fd78::1"),
        (gateway, "10.78.0.2", "fd78::2"),
    ):
        _ip("-n", where, "route", "add", "default", "via", v4)
        _ip("-n", where, "-6", "route", "add", "default", "via", v6)
    made.gateway.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


def needs_namespaces(require_program: object) -> None:
    """Skip (fail under CI) where namespaces cannot be made."""
    for program, package in (("ip", "iproute2"), ("nft", "nftables"), ("sysctl", "procps")):
        require_program(program, package)  # type: ignore[operator]
    if os.geteuid() != 0:
        pytest.skip("needs root, to make network namespaces")
