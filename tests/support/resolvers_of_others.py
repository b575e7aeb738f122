"""Unbound and Knot Resolver as neighbours: as upstreams of ours, and as clients that forward to us."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from dnslib import DNSRecord

UNBOUND = """
server:
  interface: 127.0.0.1
  port: {port}
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  logfile: ""
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
  qname-minimisation: no
  local-zone: "example." nodefault
  local-zone: "test." nodefault
  do-ip6: no
  tls-cert-bundle: "{ca}"
  {more}
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {forward}
  {zone}
"""
KRESD = """
net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})
trust_anchors.remove('.')
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('priming')
modules.unload('detect_time_skew')
modules.unload('detect_time_jump')
cache.size = 10 * MB
policy.add(policy.all({forward}))
"""


@dataclass(frozen=True, slots=True)
class To:
    """Where a neighbour forwards to. `name` and `ca` are for TLS."""

    port: int
    transport: str = "udp"
    name: str = ""
    ca: Path = Path("/etc/ssl/certs/ca-certificates.crt")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def unbound(program: str, folder: Path, port: int, to: To) -> list[str]:
    """Write unbound's configuration and return its command."""
    tls = f"@{to.port}#{to.name}" if to.transport == "tls" else f"@{to.port}"
    text = UNBOUND.format(
        port=port,
        folder=folder,
        ca=to.ca,
        forward=f"127.0.0.1{tls}",
        more="tcp-upstream: yes" if to.transport == "tcp" else "",
        zone="forward-tls-upstream: yes" if to.transport == "tls" else "",
    )
    path = folder / "unbound.conf"
    path.write_text(text)
    return [program, "-d", "-p", "-c", str(path)]


def kresd(program: str, folder: Path, port: int, to: To) -> list[str]:
    """Write Knot Resolver's configuration and return its command."""
    where = f"127.0.0.1@{to.port}"
    forward = f"policy.STUB('{where}')"
    if to.transport == "tls":
        forward = f"policy.TLS_FORWARD({{{{'{where}', hostname='{to.name}', ca_file='{to.ca}'}}}})"
    path = folder / "kresd.conf"
    path.write_text(KRESD.format(port=port, forward=forward))
    return [program, "-n", "-q", "-c", str(path), str(folder)]


NEIGHBOURS: dict[str, tuple[str, Callable[[str, Path, int, To], list[str]]]] = {
    "unbound": ("unbound", unbound),
    "knot": ("kresd", kresd),
}


async def asked(port: int, packet: bytes, seconds: float = 5.0, tries: int = 1) -> bytes | None:
    """Ask a resolver of this machine by UDP, as often as `tries` says."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(("127.0.0.1", port))
        for _ in range(tries):
            try:
                async with asyncio.timeout(seconds):
                    await loop.sock_sendall(sock, packet)
                    return await loop.sock_recv(sock, 65_535)
            except (TimeoutError, ConnectionError):
                await asyncio.sleep(0.05)
    return None


@asynccontextmanager
async def neighbour(kind: str, program: str, folder: Path, to: To) -> AsyncIterator[int]:
    """Run a neighbour that forwards all names; give its port once it answers."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = NEIGHBOURS[kind][1](program, folder, port, to)
    log = folder / "log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=out, cwd=folder)
    try:
        async with asyncio.timeout(30):
            while await asked(port, bytes(DNSRecord.question("localhost").pack()), 0.5) is None:
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.05)
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
