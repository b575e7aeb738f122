"""A real gateway with a tunnel in a namespace, an internet of its own behind it, and what a phone meets through it.

Words of what is met are the same for every backend: `refused` stands for every way in which nothing comes back.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from proxy.reporting.segment import read_chunk
from tests.support.authority import make_certificate
from tests.support.namespaces import ROOT, Namespace, Network, needs_namespaces, network
from tests.support.phones import Phone

INNER = {4: "10.87.0.1", 6: "fd87:5ea:11::1"}  # the gateway's addresses inside the tunnel
LISTED = {4: "203.0.113.11", 6: "2001:db8:1::11"}  # addresses that are blocked as such
UNREACHED = '{url: "http://127.0.0.1:9"}'
CONFIG = """\
state_dir: {state}
user: root
proxy: {{port: 0, socks_port: 0, allow_private: [203.0.113.0/24, "2001:db8::/32"]}}
dns:
  port: 0
  upstreams: ["127.0.0.1:9"]
  hosts:
    good.test: [203.0.113.10, "2001:db8:1::10"]
    evil.test: [203.0.113.10, "2001:db8:1::10"]
    paths.test: [203.0.113.10, "2001:db8:1::10"]
collector: {collector}
inspect_untrusted: true
wireguard: {{enabled: true, backend: {backend}, endpoint: 10.77.0.1, interface: {interface}}}
indicators:
  - block: evil.test
  - block: sni.test
  - block: https://paths.test/bad
  - block: [203.0.113.11, "2001:db8:1::11"]
"""
# Stands in for the internet: HTTPS and HTTP, an endless download, something on TCP 853, and UDP that answers.
WORLD = """
import asyncio, ssl, sys
async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(sys.argv[1], sys.argv[2])
    async def says(reader, writer):
        try:
            head = await reader.readuntil(b"\\r\\n\\r\\n")
            if b"/endless" in head:
                writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000000000\\r\\n\\r\\n")
                while True:
                    writer.write(b"x" * 16384); await writer.drain(); await asyncio.sleep(0.02)
            writer.write(b'HTTP/1.1 200 OK\\r\\nAlt-Svc: h3=":443"; ma=3600\\r\\nContent-Length: 5\\r\\n')
            writer.write(b"Connection: close\\r\\n\\r\\nworld")
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
    class Answers(asyncio.DatagramProtocol):
        def connection_made(self, transport): self.transport = transport
        def datagram_received(self, data, peer):
            self.transport.sendto(peer[0].encode() if data == b"who" else b"world", peer)
    loop = asyncio.get_running_loop()
    for host in ("203.0.113.10", "2001:db8:1::10", "203.0.113.11", "2001:db8:1::11"):
        for port in (80, 853):
            await asyncio.start_server(says, host, port)
        await asyncio.start_server(says, host, 443, ssl=tls)
        for port in (53, 443, 853, 9999):
            await loop.create_datagram_endpoint(Answers, local_addr=(host, port))
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
# Prints what a phone meets, a line for each question.
_ASK = """
import hashlib, socket, ssl, sys
from dnslib import DNSRecord
LIMIT, SOON = 30, 4
def tls(address, name, path="/"):
    trust = ssl.create_default_context(); trust.check_hostname = False; trust.verify_mode = ssl.CERT_NONE
    with socket.create_connection((address, 443), timeout=LIMIT) as one:
        with trust.wrap_socket(one, server_hostname=name) as safe:
            own = hashlib.sha256(safe.getpeercert(True)).hexdigest()
            safe.sendall(f"GET {path} HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n\\r\\n".encode())
            return f"{safe.makefile('rb').read().split()[1].decode()} {own}"
def http(address, name, port=80):
    with socket.create_connection((address, int(port)), timeout=LIMIT) as one:
        one.sendall(f"GET / HTTP/1.1\\r\\nHost: {name}\\r\\nConnection: close\\r\\n\\r\\n".encode())
        said = one.makefile("rb").read()
        return said.split()[1].decode() if said.startswith(b"HTTP/") else "refused"
def dns(server, name, kind="A", tcp=False):
    asked = DNSRecord.question(name, kind)
    reply = DNSRecord.parse(asked.send(server, 53, tcp=tcp, timeout=LIMIT, ipv6=":" in server))
    return " ".join(sorted(str(one.rdata) for one in reply.rr)) or str(reply.header.rcode)
def tcpdns(server, name, kind="A"):
    return dns(server, name, kind, True)
def udp(address, port, word="?"):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(SOON); one.connect((address, int(port))); one.send(word.encode())
        return one.recv(99).decode()
for line in sys.argv[1:]:
    kind, *words = line.removeprefix("how ").split()
    try:
        print(globals()[kind](*words))
    except (OSError, ValueError) as problem:
        print(type(problem).__name__ if line.startswith("how ") else "refused")
"""
# Downloads without an end from an address; says when it runs, and when it has ended.
DOWNLOAD = """
import socket, sys
host = sys.argv[2] if len(sys.argv) > 2 else "good.test"
with socket.create_connection((sys.argv[1], 80), timeout=30) as one:
    one.sendall(f"GET /endless HTTP/1.1\\r\\nHost: {host}\\r\\n\\r\\n".encode())
    got = 0
    try:
        while data := one.recv(65536):
            got += len(data)
            if got > 100_000 > got - len(data): print("runs", flush=True)
        print("ended", flush=True)
    except OSError:
        print("ended", flush=True)
"""


def ask(one: Phone, *questions: str) -> list[str]:
    """Return what a phone meets: `tls`, `http`, `dns`, `tcpdns` or `udp`, each with an address and what it needs.

    `how` before one names the error in place of `refused`.
    """
    return one.python(_ASK, *questions, timeout=300).splitlines()


class TunnelGateway:
    """Run a gateway as root in a namespace; `more` is further YAML, `collector` the section of that name."""

    def __init__(
        self, at: Namespace, folder: Path, backend: str, *, more: str = "", collector: str = UNREACHED
    ) -> None:
        self.folder = folder
        self.at = at
        self.interface = f"swu{os.getpid() % 1_000_000}"
        self.config = folder / "config.yaml"
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        values = {"state": folder / "state", "backend": backend, "interface": self.interface, "collector": collector}
        self.config.write_text(CONFIG.format(**values) + more)

    @contextlib.contextmanager
    def running(self, within: float = 240) -> Iterator[None]:
        """Serve until the block ends."""
        try:
            self.start(within)
            yield
        finally:
            self.stop()
            print(self._log.read_text())  # shown when a test fails

    def start(self, within: float = 240) -> None:
        """Start it and wait until it serves."""
        code = "from proxy.cli import main; main()"
        words = self.at.command(sys.executable, "-c", code, "run", "--config", str(self.config))
        ends = self.folder / "state" / "endpoints.json"
        ends.unlink(missing_ok=True)  # of one that was killed
        with self._log.open("ab") as log:
            process = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        self._process = process
        until(lambda: ends.exists() or process.poll() is not None, within)
        assert process.poll() is None, self._log.read_text()

    def stop(self) -> None:
        """End it as Ctrl-C does; harmless where it has ended."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End every process of it at once, as a crash does; the keeper, which is no child of it any more, lives on."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def endpoints(self) -> dict[str, str]:
        """Return the addresses that it has bound."""
        return dict(json.loads((self.folder / "state" / "endpoints.json").read_text()))

    def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask the supervisor: its socket is a file, which namespaces share."""
        code = (
            "import asyncio, json, sys\nfrom pathlib import Path\nfrom proxy.control import ControlClient\n"
            "from proxy.state import StateDir\nasync def main():\n"
            " c = ControlClient(StateDir(Path(sys.argv[1])).control_socket)\n"
            " print(json.dumps(await c.call(sys.argv[2], **json.loads(sys.argv[3]))))\n await c.close()\n"
            "asyncio.run(main())"
        )
        return dict(json.loads(self.at.python(code, str(self.folder / "state"), op, json.dumps(fields))))

    def add(self, name: str) -> dict[str, Any]:
        """Enrol a device and return its tunnel; it has its id too."""
        reply = self.call("device_add", name=name)
        return {**reply["tunnel"], "id": reply["device"]["id"]}

    def ports(self) -> dict[str, int]:
        """Return the TCP ports that the gateway listens on, by listener."""
        ends = self.endpoints()
        return {name: int(ends[name].rpartition(":")[2]) for name in ("http_proxy", "socks")}

    def devices_reported_for(self, host: str) -> set[str]:
        """Return the ids of the devices that events about a host are of."""
        found = set()
        for path in (self.folder / "state" / "spool").iterdir():
            handle = os.open(path, os.O_RDONLY)
            for payload in read_chunk(handle, 0, 1 << 24).payloads:
                event = json.loads(payload)
                if host in payload.decode() and "device" in event:
                    found.add(str(event["device"]["id"]))
            os.close(handle)
        return found


@contextlib.contextmanager
def tunnel_network(folder: Path) -> Iterator[Network]:
    """Make a network whose internet answers, with the addresses that are blocked as such."""
    make_certificate(folder / "good.pem", folder / "good.key", "good.test")
    with network() as lan:
        for address in LISTED.values():
            lan.net.run("ip", "addr", "add", f"{address}/{128 if ':' in address else 32}", "dev", "lo")
        with lan.net.serving(WORLD, str(folder / "good.pem"), str(folder / "good.key")):
            yield lan


def needs_tunnels(require_program: Callable[..., str]) -> None:
    """Skip (fail under CI) where phones with a tunnel cannot be made."""
    needs_namespaces(require_program)
    require_program("wireguard-go", "wireguard-go")
    require_program("wg", "wireguard-tools")


def until(what: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
