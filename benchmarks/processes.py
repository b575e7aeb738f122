"""Start the programs that are measured, wait until they answer, and end them: ours by `seawall run`, peers by name."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Missing
from benchmarks.setting import ROOT, pinned

_START = 180.0  # seconds until a program must answer; a machine that is busy otherwise takes a minute
_END = 15.0  # seconds that a program gets to end
_LOOK = 0.05  # seconds between looks at whether it answers
_SBIN = "/usr/sbin:/sbin:/usr/bin"


def program(name: str, package: str) -> str:
    """Return a program's path. Raises Missing, naming the Debian package."""
    found = shutil.which(name) or shutil.which(name, path=_SBIN)
    if not found:
        raise Missing(f"`{name}` is not installed (Debian package {package})")
    return found


def beside_python(name: str) -> str:
    """Return a program of our own environment. Raises Missing."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise Missing(f"{path.name} is not in the environment: run `make setup`")
    return str(path)


@contextmanager
def running(
    command: Sequence[str], cores: list[int], answers: Callable[[], bool], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on these cores until the block ends. Raises Missing, with its last words, if it never answers."""
    with log.open("wb") as out, pinned(cores):
        child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        _wait(child, answers, log, command[0])
        yield child
    finally:
        child.terminate()
        try:
            child.wait(_END)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait(child: subprocess.Popen[bytes], answers: Callable[[], bool], log: Path, name: str) -> None:
    until = time.monotonic() + _START
    while not answers():
        if child.poll() is not None or time.monotonic() > until:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise Missing(f"{Path(name).name} does not answer: {last[0][:300]}")
        time.sleep(_LOOK)


def accepts(port: int) -> bool:
    """Say whether a TCP port of loopback takes connections."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port of loopback that is free for TCP and UDP, for programs that cannot choose one themselves."""
    while True:
        with socket.socket() as stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            stream.bind(("127.0.0.1", 0))
            port: int = stream.getsockname()[1]
            try:
                datagrams.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def gateway(
    folder: Path, cores: list[int], settings: dict[str, Any], within: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Run `seawall run` with free ports and a state of its own; give its process id and `endpoints.json`.

    `within` goes before the command: that of a network namespace.
    """
    state, config = folder / "gateway", folder / "gateway.yaml"
    ports = {
        "state_dir": str(state),
        "proxy": {"host": "127.0.0.1", "port": 0, "socks_port": 0},
        "dns": {"host": "127.0.0.1", "port": 0},
        "collector": {"host": "127.0.0.1", "port": 0},
    }
    merged = {**settings, **{key: _joined(value, settings.get(key, {})) for key, value in ports.items()}}
    config.write_text(json.dumps(merged))  # JSON is YAML
    endpoints = state / "endpoints.json"
    command = [*within, beside_python("seawall"), "run", "--config", str(config)]
    with running(command, cores, lambda: _is_whole(endpoints), folder / "gateway.log") as child:
        yield child.pid, json.loads(endpoints.read_text())


def _joined(ours: Any, more: Any) -> Any:
    return {**ours, **more} if isinstance(ours, dict) else ours


def _is_whole(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text()))
    except (OSError, ValueError):
        return False


def port_of(address: str) -> int:
    """Return the port of `host:port`."""
    return int(address.rpartition(":")[2])
