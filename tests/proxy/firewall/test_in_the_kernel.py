"""The rules in a real kernel: a phone's traffic, in network namespaces, meets them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.namespaces import GATEWAY, LAN, ORIGIN, Network, needs_namespaces, network

pytestmark = pytest.mark.heavy

# Stands in for front and interceptor: says to each connection where it was going, and to each question who answers.
SERVER = """
import asyncio, socket, sys, uvloop
from proxy.config.sections.proxy import ProxyConfig
from proxy.front.transparent import doorsteps
async def main():
    loop = asyncio.get_running_loop()
    for step in doorsteps(ProxyConfig(host="0.0.0.0", transparent_port=8443, tproxy_port=8444)):
        def protocol(step=step):
            class Says(asyncio.Protocol):
                def connection_made(self, transport):
                    try:
                        host, port = step.destination_of(transport.get_extra_info("socket"))
                        transport.write(f"{step.name} {host} {port}".encode())
                    except OSError as problem:
                        transport.write(b"none")
                    transport.close()
            return Says()
        await loop.create_server(protocol, sock=step.sock)
    class Answers(asyncio.DatagramProtocol):
        def connection_made(self, transport): self.transport = transport
        def datagram_received(self, data, peer): self.transport.sendto(b"interceptor", peer)
    await loop.create_datagram_endpoint(Answers, local_addr=("0.0.0.0", 5053))
    print("ready", flush=True)
    await asyncio.Event().wait()
uvloop.run(main())
"""
# Stands in for the internet: takes every connection, answers every datagram.
WORLD = """
import asyncio, sys
async def main():
    async def says(reader, writer):
        writer.write(b"world"); writer.close()
    class Answers(asyncio.DatagramProtocol):
        def connection_made(self, transport): self.transport = transport
        def datagram_received(self, data, peer): self.transport.sendto(b"world", peer)
    loop = asyncio.get_running_loop()
    for host in ("203.0.113.10", "2001:db8:1::10"):
        for port in (53, 80, 443, 853, 2222):
            await asyncio.start_server(says, host, port)
            await loop.create_datagram_endpoint(Answers, local_addr=(host, port))
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
# Prints what a phone hears from each place, or the error that it meets at once.
PHONE = """
import socket, sys
for line in sys.argv[1:]:
    kind, host, port = line.split()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as one:
        one.settimeout(10)
        try:
            one.connect((host, int(port)))
            if kind == "udp":
                one.send(b"?")
            print(one.recv(100).decode())
        except OSError as problem:
            print(type(problem).__name__)
"""


@pytest.fixture
def lan(require_program: Callable[..., str]) -> Iterator[Network]:
    needs_namespaces(require_program)
    with network() as made, made.gateway.serving(SERVER), made.net.serving(WORLD):
        yield made


def _config(folder: Path, more: str) -> str:
    path = folder / "config.yaml"
    path.write_text(
        f"state_dir: {folder}/state\ndns: {{host: 0.0.0.0, port: 5053}}\n{more}"
        "proxy: {host: 0.0.0.0, transparent_port: 8443, tproxy_port: 8444, allow_clients: [10.77.0.0/24]}\n"
    )
    return str(path)


def _seawall(lan: Network, *words: str) -> None:
    code = "import sys; from proxy.cli import main; main(sys.argv[1:])"
    lan.gateway.python(code, "firewall", *words)


def _hears(lan: Network, *places: str) -> list[str]:
    return lan.phone.python(PHONE, *places).splitlines()


@pytest.mark.parametrize(("method", "name"), [("redirect", "transparent"), ("tproxy", "tproxy")])
def test_a_phones_traffic_is_routed_into_the_gateway_and_back_again(
    lan: Network, tmp_path: Path, method: str, name: str
) -> None:
    places = [f"tcp {ORIGIN[4]} 443", f"tcp {ORIGIN[6]} 2222", f"udp {ORIGIN[4]} 53", f"udp {ORIGIN[4]} 443"]
    places += [f"tcp {ORIGIN[4]} 853", f"udp {ORIGIN[6]} 853", f"udp {ORIGIN[6]} 53"]
    before = ["world"] * len(places)
    assert _hears(lan, *places) == before
    config = _config(tmp_path, f"firewall: {{interfaces: [{LAN}], method: {method}}}\n")
    for _ in range(2):  # applying twice is applying once
        _seawall(lan, "apply", "--config", config)
        routed = [f"{name} {ORIGIN[4]} 443", f"{name}_v6 {ORIGIN[6]} 2222", "interceptor"]
        assert _hears(lan, *places) == [*routed, *["ConnectionRefusedError"] * 4]  # at once, not after half a minute
    for _ in range(2):
        _seawall(lan, "remove")
        assert _hears(lan, *places) == before
    assert lan.gateway.run("nft", "list", "ruleset").stdout == ""
    assert "1514" not in lan.gateway.run("ip", "rule").stdout


def test_the_gateways_own_services_and_other_peoples_traffic_are_left_alone(lan: Network, tmp_path: Path) -> None:
    bypassed = f"firewall: {{networks: [10.77.0.0/24], bypass: [{ORIGIN[4]}/32]}}\nquic: pass\n"
    _seawall(lan, "apply", "--config", _config(tmp_path, bypassed))
    own = f"tcp {GATEWAY[4]} 8443"
    assert _hears(lan, f"tcp {ORIGIN[4]} 443", f"udp {ORIGIN[4]} 443", f"tcp {ORIGIN[4]} 853", own) == [
        *["world"] * 3,  # bypassed
        "none",  # our own port, asked for itself, was not redirected from anywhere
    ]
    assert _hears(lan, f"tcp {ORIGIN[6]} 443", f"udp {ORIGIN[6]} 53") == ["world", "world"]  # no network of IPv6


def test_quic_passes_where_it_is_to_pass(lan: Network, tmp_path: Path) -> None:
    _seawall(lan, "apply", "--config", _config(tmp_path, f"quic: pass\nfirewall: {{interfaces: [{LAN}]}}\n"))
    assert _hears(lan, f"udp {ORIGIN[4]} 443", f"udp {ORIGIN[4]} 853") == ["world", "ConnectionRefusedError"]


def test_a_transaction_that_the_kernel_refuses_changes_nothing(lan: Network, tmp_path: Path) -> None:
    _seawall(lan, "apply", "--config", _config(tmp_path, f"firewall: {{interfaces: [{LAN}]}}\n"))
    before = lan.gateway.run("nft", "list", "ruleset").stdout
    broken = "from proxy.firewall.kernel import run_transaction; from proxy.firewall.rules import removed\n"
    code = broken + "run_transaction(removed() + 'table inet seawall { chain x { nonsense; } }')"
    failed = lan.gateway.run(*_python(code))
    assert "FirewallError" in failed.stderr
    assert lan.gateway.run("nft", "list", "ruleset").stdout == before


def test_who_may_not_change_the_firewall_is_told_so(lan: Network) -> None:
    code = "import sys; from proxy.cli import main; main(['firewall', 'remove', '--json'])"
    drop = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    done = lan.gateway.run(*drop, *_python(code))
    assert done.returncode == 1, done.stderr
    assert "CAP_NET_ADMIN" in json.loads(done.stdout)["error"]


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]
