"""A computer's own traffic through a real gateway, by real rules, in network namespaces; then the gateway is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.namespaces import ORIGIN, ROOT, Namespace, needs_namespaces, network

pytestmark = pytest.mark.heavy

USER = "48123"  # of the gateway; any that is not root's
# May read what only root may: the interpreter can stand in a closed directory.
AS_USER = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
AS_USER += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
CONFIG = """\
state_dir: {state}
proxy: {{port: 0, socks_port: 0, transparent_port: 8443}}
dns: {{port: 5053, upstreams: ["127.0.0.1:9"], hosts: {{good.test: 203.0.113.10, evil.test: 203.0.113.10}}}}
collector: {{port: 0}}
protect: {{on_crash: {on_crash}}}
indicators: [{{block: evil.test}}]
"""
# Stands in for the internet: HTTP on 80, and whatever on UDP.
WORLD = """
import asyncio
async def main():
    async def says(reader, writer):
        await reader.readuntil(b"\\r\\n\\r\\n")
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\nConnection: close\\r\\n\\r\\nworld"); writer.close()
    class Answers(asyncio.DatagramProtocol):
        def connection_made(self, transport): self.transport = transport
        def datagram_received(self, data, peer): self.transport.sendto(b"world", peer)
    loop = asyncio.get_running_loop()
    for host in ("203.0.113.10", "2001:db8:1::10"):
        await asyncio.start_server(says, host, 80)
        for port in (53, 443):
            await loop.create_datagram_endpoint(Answers, local_addr=(host, port))
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
# Prints what a program on the computer meets: over HTTP at an address, by DNS, over UDP 443.
PROGRAM = """
import socket, sys
from dnslib import DNSRecord
def http(address, host):
    with socket.create_connection((address, 80), timeout=10) as one:
        one.sendall(f"GET / HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n".encode())
        return one.makefile("rb").read().split()[1].decode()
def dns(address, host):
    return str(DNSRecord.parse(DNSRecord.question(host).send(address, 53, timeout=10)).short())
def quic(address, _):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(10); one.connect((address, 443)); one.send(b"?")
        return one.recv(9).decode()
for line in sys.argv[1:]:
    kind, address, host = line.split()
    try:
        print({"http": http, "dns": dns, "quic": quic}[kind](address, host))
    except Exception as problem:
        print(type(problem).__name__)
"""
DIRECT = ["200", "200", "200", "DNSError", "world"]
SHIELDED = ["403", "200", "200", "0.0.0.0", "PermissionError"]
ASKED = [f"http {ORIGIN[4]} evil.test", f"http {ORIGIN[4]} good.test", f"http {ORIGIN[6]} {ORIGIN[4]}"]
ASKED += [f"dns {ORIGIN[4]} evil.test", f"quic {ORIGIN[4]} -"]


@pytest.fixture
def computer(require_program: Callable[..., str]) -> Iterator[Namespace]:
    needs_namespaces(require_program)
    require_program("setpriv", "util-linux")
    with network() as made, made.net.serving(WORLD):
        yield made.gateway


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the gateway's user reaches too, where the test runner's own are closed to others."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o777)
        yield Path(made)


@contextlib.contextmanager
def gateway(computer: Namespace, folder: Path, on_crash: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a gateway as a user of its own."""
    config, ends = folder / "config.yaml", folder / "state" / "endpoints.json"
    config.write_text(CONFIG.format(state=folder / "state", on_crash=on_crash))
    run = [sys.executable, "-c", "from proxy.cli import main; main()", "run", "--config", str(config)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            computer.command(*AS_USER, *run), cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _until(lambda: ends.exists() or process.poll() is not None, 90)
        assert process.poll() is None, (folder / "log").read_text()
        yield process
    finally:
        _kill(process)
        print((folder / "log").read_text())  # shown when a test fails


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a gateway with all its processes, as a crash of the machine's memory would."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _until(what: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)


def _protect(computer: Namespace, *words: str) -> tuple[int, dict[str, object]]:
    code = "import sys; from proxy.cli import main; main(['protect', *sys.argv[1:], '--json'])"
    done = computer.run(sys.executable, "-c", code, *words)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def _meets(computer: Namespace) -> list[str]:
    return computer.python(PROGRAM, *ASKED).splitlines()


def _keepers(computer: Namespace) -> int:
    pids = computer.run("ip", "netns", "pids", computer.name).stdout.split()
    found = [Path(f"/proc/{pid}/cmdline") for pid in pids]
    return sum(b"proxy.protect.keeper" in path.read_bytes() for path in found if path.exists())


def test_a_computer_is_protected_until_the_gateway_crashes_and_then_goes_out_directly(
    computer: Namespace, folder: Path
) -> None:
    config = ("--config", str(folder / "config.yaml"))
    assert _protect(computer, "status")[1]["state"] == "off"
    with gateway(computer, folder, "open") as process:
        assert _meets(computer) == DIRECT
        assert _protect(computer, "on", *config) == (0, {"state": "protected", "on_crash": "open", "way": "rules"})
        again = _protect(computer, "on", *config)  # in place of the first
        assert again[0] == 0, again
        assert _protect(computer, "status")[0] == 0
        assert _meets(computer) == SHIELDED
        _until(lambda: _keepers(computer) == 1, 30)
        held = computer.run("nft", "list", "set", "inet", "seawall_protect", "alive").stdout
        assert "timeout 15s" in held  # by the kernel: nobody need be alive for it to end
        _kill(process)
        _until(lambda: _meets(computer) == DIRECT, 60)
        assert _protect(computer, "status") == (1, {"state": "not_intercepted", "rules": True, "intercepted": False})
    assert _protect(computer, "off")[0] == 0
    assert _protect(computer, "off")[0] == 0
    assert computer.run("nft", "list", "ruleset").stdout == ""


def test_where_it_is_to_close_nothing_goes_out_after_a_crash(computer: Namespace, folder: Path) -> None:
    with gateway(computer, folder, "closed") as process:
        assert _protect(computer, "on", "--config", str(folder / "config.yaml"))[0] == 0
        assert _meets(computer) == SHIELDED
        assert _keepers(computer) == 0  # nobody need be alive
        _kill(process)
        computer.run("nft", "flush", "set", "inet", "seawall_protect", "alive")  # as time would
        assert _meets(computer)[:3] == ["ConnectionRefusedError"] * 3
    assert _protect(computer, "off")[0] == 0
    assert _meets(computer) == DIRECT


@pytest.mark.parametrize(
    ("on_crash", "why"), [("open", "nobody answers at the front's port"), ("closed", "a probe was not intercepted")]
)
def test_rules_that_intercept_nothing_are_not_called_protection(
    computer: Namespace, folder: Path, on_crash: str, why: str
) -> None:
    """Nobody listens where the rules lead: the probe tells, and the rules are gone again."""
    state = folder / "state"
    state.mkdir(mode=0o700)
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(state=state, on_crash=on_crash))
    with subprocess.Popen([*AS_USER, "sleep", "600"]) as idle:
        try:
            _until(lambda: Path(f"/proc/{idle.pid}/comm").read_text() == "sleep\n", 10)
            (state / "endpoints.json").write_text(json.dumps({"pid": idle.pid, "transparent": "127.0.0.1:8443"}))
            code, said = _protect(computer, "on", "--config", str(config))
        finally:
            idle.kill()
    assert (code, said["state"]) == (1, "off")
    assert why in str(said["error"])
    assert computer.run("nft", "list", "ruleset").stdout == ""
