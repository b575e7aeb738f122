"""Benchmark `splice`: new CONNECT connections a second that pass undecrypted, beside squid and mitmdump.

The origin is nginx with TLS; the load, in C, waits for its ServerHello through each proxy. `direct` is the same load
without a proxy: the ceiling that origin and load generator set. The name asked for has one address in our configuration
and in squid's: `localhost` has two of them to a resolver, and nginx answers at one.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks import memory
from benchmarks.connect_load import client_hello
from benchmarks.harness import OURS, Comparison, Missing, Probe, Spread, interleave
from benchmarks.processes import accepts, beside_python, free_port, gateway, port_of, program, running
from benchmarks.setting import Setting, load_cores, pinned, server_cores

_IN_FLIGHT = 20  # connections at a time
_DIRECT = "direct"
_HOST = "origin.test"
_PORT = 8443  # where clients speak first, as at 443


def compare(setting: Setting) -> Iterator[Comparison]:
    with tempfile.TemporaryDirectory() as text, ExitStack() as stack:
        folder = Path(text)
        folder.chmod(0o755)  # nginx and squid may give up their rights
        origin = stack.enter_context(tls_origin(folder, port=0 if accepts(_PORT) else _PORT))
        load = Load.compiled(folder, origin)
        ports, pids, missing = _start(stack, folder)
        failed: dict[str, int] = {}
        probes: dict[str, Probe] = {
            name: partial(_rate, name, failed, load, port, setting.seconds) for name, port in ports.items()
        }
        interleave({name: partial(_rate, name, {}, load, port, 1) for name, port in ports.items()}, 1)  # warm
        spent: dict[str, list[float]] = {name: [] for name in pids}
        for name, pid in pids.items():
            probes[name] = partial(_with_cpu, probes[name], pid, setting.seconds, spent[name])
        found = interleave(probes, setting.rounds)
        notes = [f"{name}: {count} connections failed" for name, count in failed.items() if count]
        note = "; ".join([*notes, *([f"port {_PORT} was taken: a server may speak first"] if origin != _PORT else [])])
        yield Comparison("spliced connections", "connections/s", "high", found, missing, note)
        cpu = {name: Spread(tuple(values)) for name, values in spent.items()}
        yield Comparison("CPU of a spliced connection", "ms", "low", cpu, missing, "all processes of each")
        yield from _latency(ports, load, found, setting, missing)
        taken = {name: Spread((memory.of_family(pid),)) for name, pid in pids.items()}
        yield Comparison("memory after the load", "MB", "low", taken, missing, "ours is all processes of the gateway")


def _latency(
    ports: Mapping[str, int], load: Load, found: Mapping[str, Spread], setting: Setting, missing: Mapping[str, str]
) -> Iterator[Comparison]:
    """Measure the 99th percentile at half of squid's highest rate, whoever is asked; direct is the origin's part."""
    rate = found["squid" if "squid" in found else OURS].median / 2
    probes: dict[str, Probe] = {
        name: partial(_late, load, port, setting.seconds, rate) for name, port in ports.items() if name != "mitmdump"
    }
    note = f"open loop at {rate:.0f} connections/s, half of squid's most"
    late = interleave(probes, setting.rounds)
    yield Comparison("99th percentile to the ServerHello", "ms", "low", late, missing, note)
    added = {name: _added(spread, late[_DIRECT]) for name, spread in late.items() if name != _DIRECT}
    yield Comparison("99th percentile added to direct", "ms", "low", added, missing, "taken round by round; at most 3")


def _added(spread: Spread, direct: Spread) -> Spread:
    return Spread(tuple(a - b for a, b in zip(spread.values, direct.values, strict=True)))


def _late(load: Load, proxy: int, seconds: int, rate: float) -> float:
    return load(proxy, seconds, rate)[3]


def _with_cpu(probe: Probe, pid: int, seconds: int, spent: list[float]) -> float:
    before = cpu_of(pid)
    rate = probe()
    spent.append((cpu_of(pid) - before) * 1000 / max(rate * seconds, 1))
    return rate


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process and all that it started, also of what has ended since (Linux)."""
    parent = psutil.Process(pid)
    times = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
    return float(sum(one.user + one.system + one.children_user + one.children_system for one in times))


def _start(stack: ExitStack, folder: Path) -> tuple[dict[str, int], dict[str, int], dict[str, str]]:
    """Start every proxy that there is: name -> port, name -> process, name -> why it is missing."""
    starters: Mapping[str, AbstractContextManager[tuple[int, int]]] = {
        OURS: ours(folder),
        "squid": squid(folder),
        "mitmdump": _mitmdump(folder),
    }
    ports, pids, missing = {}, {}, {}
    for name, starter in starters.items():
        try:
            ports[name], pids[name] = stack.enter_context(starter)
        except Missing as why:
            missing[name] = str(why)
    return {**ports, _DIRECT: 0}, pids, missing


@contextmanager
def ours(folder: Path) -> Iterator[tuple[int, int]]:
    hosts = {"dns": {"hosts": {"localhost": "127.0.0.1", _HOST: "127.0.0.1"}}}
    with gateway(folder, server_cores(), hosts) as (pid, endpoints):
        yield port_of(endpoints["http_proxy"]), pid


@contextmanager
def squid(folder: Path, *names: str) -> Iterator[tuple[int, int]]:
    port, config = free_port(), folder / "squid.conf"
    (folder / "hosts").write_text(f"127.0.0.1 {' '.join(('localhost', _HOST, *names))}\n")
    config.write_text(_SQUID.format(port=port, folder=folder))
    command = [program("squid", "squid"), "-N", "-f", str(config)]
    with running(command, server_cores(), partial(accepts, port), folder / "squid.log") as child:
        yield port, child.pid


_SQUID = """
http_port 127.0.0.1:{port}
acl all_clients src all
http_access allow all_clients
cache deny all
access_log none
cache_log /dev/null
pid_filename {folder}/squid.pid
workers 1
max_filedescriptors 8192
hosts_file {folder}/hosts
shutdown_lifetime 1 seconds
"""


@contextmanager
def _mitmdump(folder: Path) -> Iterator[tuple[int, int]]:
    port = free_port()
    options = [f"listen_port={port}", "listen_host=127.0.0.1", f"confdir={folder / 'mitmproxy'}"]
    chosen = [word for option in options for word in ("--set", option)]
    command = [beside_python("mitmdump"), "-q", *chosen, "--ignore-hosts", ".*"]
    with running(command, server_cores(), partial(accepts, port), folder / "mitmdump.log") as child:
        yield port, child.pid


@contextmanager
def tls_origin(folder: Path, *names: str, h2: bool = False, port: int = 0) -> Iterator[int]:
    """Run nginx with a certificate of its own, on the load's core; `h2` lets it speak HTTP/2 too. Port 0 is any."""
    port, config = port or free_port(), folder / f"nginx{h2}.conf"
    if not (folder / "key.pem").exists():
        make_certificate(folder, *names)
    config.write_text(_NGINX.format(port=port, folder=folder, h2="http2" if h2 else "", number=int(h2)))
    command = [program("nginx", "nginx-light"), "-c", str(config), "-p", str(folder)]
    with running(command, load_cores(), partial(accepts, port), folder / f"nginx{h2}.log"):
        yield port


_NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx{number}.pid;
error_log {folder}/nginx-errors;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl {h2};
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/key.pem;
    default_type text/html;
    location / {{ return 200 ok; }}
    location /bulk {{ alias {folder}/bulk; }}
    location /page {{ root {folder}; }}
  }}
}}
"""


def make_certificate(folder: Path, *names: str) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in ("localhost", *names)]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _rate(name: str, failed: dict[str, int], load: Load, proxy: int, seconds: int) -> float:
    host = "localhost" if name == "mitmdump" else _HOST  # it knows only the names that the system knows
    rate, lost, _, _ = load(proxy, seconds, host=host)
    failed[name] = failed.get(name, 0) + int(lost)
    return rate


@dataclass(frozen=True, slots=True)
class Load:
    """Run the load in C on its core."""

    program: Path
    origin: int

    @classmethod
    def compiled(cls, folder: Path, origin: int) -> Load:
        """Compile it. Raises Missing where there is no compiler, or the system is not Linux."""
        made, source = folder / "connect_load", Path(__file__).with_name("connect_load.c")
        done = subprocess.run(
            [program("cc", "gcc"), "-O2", "-o", str(made), str(source)],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise Missing(f"{source.name} does not compile here: {done.stderr.strip()[-300:]}")
        return cls(made, origin)

    def __call__(
        self, proxy: int, seconds: int, rate: float = 0.0, host: str = _HOST
    ) -> tuple[float, float, float, float]:
        """Return connections a second, those that failed, the median and the 99th percentile in milliseconds."""
        words = [host, str(self.origin), str(proxy), str(seconds), str(_IN_FLIGHT), *([f"{rate:.0f}"] if rate else [])]
        with pinned(load_cores()):
            done = subprocess.run(
                [str(self.program), *words],
                input=client_hello(host),
                capture_output=True,
                check=True,
                timeout=seconds + 60,
            )
        reached, lost, median, late = map(float, done.stdout.split())
        return reached, lost, median, late
