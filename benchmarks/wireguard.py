"""Benchmark `wireguard`: a phone's download and new connections through both backends, beside mitmproxy's own mode.

A phone (wireguard-go in a namespace) has a tunnel to each subject; behind each is the same origin, nginx with TLS, and
nothing is decrypted. `direct` is wireguard-go without a proxy: the ceiling that tunnel, origin and load set. At 20 ms a
relay delays the tunnels' packets by 10 ms each way, alike for all.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import OURS, Comparison, Missing, Probe, Spread, interleave
from benchmarks.processes import beside_python, program, running
from benchmarks.setting import ROOT, Setting, load_cores, pinned, server_cores
from benchmarks.tunnel_gateway import tunnel_gateway
from benchmarks.tunnel_load import NAME
from benchmarks.tunnel_network import Network, Tunnel, client, delayed, interface, network
from benchmarks.tunnel_origin import origin
from proxy.control import ControlClient
from proxy.profiles.keys import new_keys
from proxy.state import StateDir

_KERNEL, _USERSPACE, _MITMPROXY, _DIRECT = OURS, "userspace", "mitmproxy", "direct"
_ORIGINS = {name: f"203.0.113.{11 + index}" for index, name in enumerate((_KERNEL, _USERSPACE, _MITMPROXY, _DIRECT))}
_DELAYS = (0, 20)  # milliseconds there and back
_PORTS = {_MITMPROXY: 53120, _DIRECT: 53121}  # inside a namespace of our own nobody else has them
_IN_FLIGHT = 40  # connections at a time
_NOTE = "seawall is the kernel backend; to be reached at 20 ms: 5 times userspace in throughput, 3 times in connections"

type Starter = Callable[[Network, Path], AbstractContextManager[Tunnel]]


def compare(setting: Setting) -> Iterator[Comparison]:
    with tempfile.TemporaryDirectory() as text, network() as made, ExitStack() as stack:
        folder = Path(text)
        folder.chmod(0o755)  # nginx gives up its rights
        stack.enter_context(origin(made, folder, _ORIGINS.values()))
        tunnels, missing = _start(stack, made, folder)
        if not tunnels:
            raise Missing("; ".join(f"{name}: {why}" for name, why in missing.items()))
        for delay in _DELAYS:
            with ExitStack() as relays:
                for name, tunnel in tunnels.items() if delay else ():
                    relays.enter_context(delayed(made, _interface(name), tunnel, delay / 2000))
                yield from _at(made, tunnels, delay, setting, missing)


def _at(
    made: Network, tunnels: Mapping[str, Tunnel], delay: int, setting: Setting, missing: Mapping[str, str]
) -> Iterator[Comparison]:
    failed: dict[str, int] = {}
    bulk: dict[str, Probe] = {name: partial(_download, made, name, setting.seconds) for name in tunnels}
    new: dict[str, Probe] = {name: partial(_connections, made, name, setting.seconds, failed) for name in tunnels}
    interleave({name: partial(_connections, made, name, 1, {}) for name in tunnels}, 1)  # warm
    yield from _both("download through the tunnel", "MB/s", delay, interleave(bulk, setting.rounds), missing, "")
    found = interleave(new, setting.rounds)
    lost = "; ".join(f"{name}: {count} connections failed" for name, count in failed.items() if count)
    yield from _both("new TLS connections", "connections/s", delay, found, missing, lost)


def _both(
    what: str, unit: str, delay: int, found: Mapping[str, Spread], missing: Mapping[str, str], note: str
) -> Iterator[Comparison]:
    """Yield the kernel backend beside all, then the userspace one beside those that are not ours."""
    title = f"{what}, {delay} ms"
    yield Comparison(title, unit, "high", found, missing, "; ".join(filter(None, (note, _NOTE if delay else ""))))
    if _USERSPACE in found:
        others = {name: spread for name, spread in found.items() if name not in (_KERNEL, _USERSPACE)}
        alone = {OURS: found[_USERSPACE], **others}
        yield Comparison(f"{title}: userspace backend", unit, "high", alone, missing, "the same values")


def _download(made: Network, name: str, seconds: int) -> float:
    address = _ORIGINS[name]
    words = [program("curl", "curl"), "-sk", "-o", "/dev/null", "-m", str(seconds), "-w", "%{speed_download}"]
    words += ["--resolve", f"{NAME}:443:{address}", f"https://{NAME}/bulk"]
    with pinned(load_cores()):
        done = subprocess.run(made.words("phone", *words), capture_output=True, text=True, check=False, timeout=60)
    return float(done.stdout or 0) / 1e6


def _connections(made: Network, name: str, seconds: int, failed: dict[str, int]) -> float:
    words = [sys.executable, "-m", "benchmarks.tunnel_load", _ORIGINS[name], "443", str(seconds), str(_IN_FLIGHT)]
    with pinned(load_cores()):
        done = subprocess.run(
            made.words("phone", *words), cwd=ROOT, capture_output=True, text=True, check=True, timeout=seconds + 60
        )
    rate, lost = done.stdout.split()
    failed[name] = failed.get(name, 0) + int(lost)
    return float(rate)


def _start(stack: ExitStack, made: Network, folder: Path) -> tuple[dict[str, Tunnel], dict[str, str]]:
    """Start every subject that there is, each with the phone's end of its tunnel; and why others are missing."""
    starters: Mapping[str, Starter] = {
        _KERNEL: partial(_ours, "kernel"),
        _USERSPACE: partial(_ours, "userspace"),
        _MITMPROXY: _mitmproxy,
        _DIRECT: _forwarding,
    }
    tunnels, missing = {}, {}
    for name, starter in starters.items():
        own = folder / name
        own.mkdir()
        try:
            tunnels[name] = stack.enter_context(starter(made, own))
            stack.enter_context(client(made, _interface(name), tunnels[name], _ORIGINS[name], own))
        except Missing as why:
            tunnels.pop(name, None)
            missing[name] = str(why)
    return tunnels, missing


def _interface(name: str) -> str:
    return f"b{os.getpid() % 100_000}{name[:4]}"


@contextmanager
def _ours(backend: str, made: Network, folder: Path) -> Iterator[Tunnel]:
    with tunnel_gateway(backend, made, folder) as (_, state):
        told = asyncio.run(_enrolled(state))
        yield Tunnel(
            told["private_key"], told["server_key"], int(told["endpoint"].rpartition(":")[2]), told["addresses"][0]
        )


async def _enrolled(state: Path) -> dict[str, Any]:
    control = ControlClient(StateDir(state).control_socket)
    try:
        return dict((await control.call("device_add", name="phone"))["tunnel"])
    finally:
        await control.close()


@contextmanager
def _mitmproxy(made: Network, folder: Path) -> Iterator[Tunnel]:
    port, ours, theirs = _PORTS[_MITMPROXY], new_keys(), new_keys()
    keys = folder / "keys.json"
    keys.write_text(json.dumps({"server_key": theirs.private, "client_key": ours.private}))
    options = ["--set", f"confdir={folder}", "--mode", f"wireguard:{keys}@{port}", "--ignore-hosts", ".*"]
    command = made.words("gateway", beside_python("mitmdump"), "-q", *options)
    with running(command, server_cores(), partial(_is_bound, made, port), folder / "mitmdump.log"):
        yield Tunnel(ours.private, theirs.public, port, "10.0.0.1")


@contextmanager
def _forwarding(made: Network, folder: Path) -> Iterator[Tunnel]:
    """Run wireguard-go at the gateway and forward what comes out, as a router would."""
    port, ours, theirs, address = _PORTS[_DIRECT], new_keys(), new_keys(), "10.88.0.2"
    settings = [
        *("[Interface]", f"PrivateKey = {theirs.private}", f"ListenPort = {port}"),
        *("[Peer]", f"PublicKey = {ours.public}", f"AllowedIPs = {address}/32"),
    ]
    name = f"b{os.getpid() % 100_000}hop"
    with pinned(server_cores()), interface(made, "gateway", name, settings, "10.88.0.1/24", folder):
        yield Tunnel(ours.private, theirs.public, port, address)


def _is_bound(made: Network, port: int) -> bool:
    return f":{port:04X} " in made.run("gateway", "cat", "/proc/net/udp")
