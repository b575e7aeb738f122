"""What the kernel backend alone does: refusals at once by ICMP, the address that calls bear, nothing left of a crash.

What both backends do is in `tests/proxy/wireguard/test_phone.py`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.namespaces import ORIGIN, Network
from tests.support.phones import Phone, phone
from tests.support.tunnel_gateway import INNER, TunnelGateway, ask, needs_tunnels, tunnel_network, until

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]
_NEW_SESSION = 150  # seconds: a client keeps to a session that nobody knows any more for about fifteen


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@pytest.fixture(scope="module")
def lan(require_program: Callable[..., str], folder: Path) -> Iterator[Network]:
    needs_tunnels(require_program)
    with tunnel_network(folder) as made:
        made.gateway.run("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0")
        yield made


@pytest.fixture(scope="module")
def gateway(lan: Network, folder: Path) -> Iterator[TunnelGateway]:
    made = TunnelGateway(lan.gateway, folder, "kernel")
    with made.running():
        yield made


@pytest.fixture(scope="module")
def handset(lan: Network, gateway: TunnelGateway, folder: Path) -> Iterator[Phone]:
    with phone(lan.phone, gateway.add("phone"), folder) as made:
        yield made


def links(gateway: TunnelGateway) -> str:
    return gateway.at.run("ip", "-o", "link").stdout


def rules(gateway: TunnelGateway) -> str:
    return gateway.at.run("nft", "list", "ruleset").stdout


def is_router(gateway: TunnelGateway) -> bool:
    return gateway.at.run("sysctl", "-n", "net.ipv4.ip_forward").stdout.strip() == "1"


def back(one: Phone) -> None:
    """Wait until a phone has found out that its session is gone and made another."""
    until(lambda: ask(one, f"dns {INNER[4]} good.test") == [ORIGIN[4]], _NEW_SESSION)


def test_what_goes_past_the_gateway_is_refused_at_once_and_calls_bear_its_address(handset: Phone) -> None:
    for here, nat in ((ORIGIN[4], "10.78.0.1"), (ORIGIN[6], "fd78::1")):
        at_once = [f"how udp {here} 443", f"how udp {here} 853", f"how http {here} good.test 853"]
        assert ask(handset, *at_once, f"udp {here} 9999 who") == [*["ConnectionRefusedError"] * 3, nat]


def test_the_gateways_own_ports_and_its_neighbours_are_refused_at_once(gateway: TunnelGateway, handset: Phone) -> None:
    assert ask(
        handset,
        f"how http 10.77.0.1 good.test {gateway.ports()['http_proxy']}",
        "how http 10.78.0.1 good.test 22",
        f"how http {INNER[4]} good.test 4873",
        f"how udp {INNER[4]} 4873",
        "how udp 10.78.0.2 9999",
    ) == ["ConnectionRefusedError"] * 4 + ["OSError"]


def test_a_killed_gateway_leaves_nothing_behind(gateway: TunnelGateway, handset: Phone) -> None:
    assert gateway.interface in links(gateway)
    assert "seawall_wireguard" in rules(gateway)
    assert is_router(gateway)
    gateway.kill()
    until(lambda: gateway.interface not in links(gateway))
    until(lambda: "seawall_wireguard" not in rules(gateway))
    assert not is_router(gateway)
    gateway.start()
    back(handset)
    assert ask(handset, f"http {ORIGIN[4]} good.test", f"http {ORIGIN[4]} evil.test") == ["200", "403"]


def test_where_even_the_keeper_is_killed_the_next_start_and_remove_clean_up(
    gateway: TunnelGateway, handset: Phone
) -> None:
    keepers = gateway.at.run("ip", "netns", "pids", gateway.at.name).stdout.split()
    gateway.kill()
    for pid in keepers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    until(lambda: gateway.interface not in links(gateway))
    assert "seawall_wireguard" in rules(gateway)
    code = "import sys; from proxy.cli import main; main(sys.argv[1:])"
    gateway.at.python(code, "firewall", "remove")
    assert "seawall_wireguard" not in rules(gateway)
    assert not is_router(gateway)
    gateway.start()
    back(handset)
    assert ask(handset, f"http {ORIGIN[4]} good.test") == ["200"]
    gateway.stop()
    assert gateway.interface not in links(gateway)
    assert "seawall_wireguard" not in rules(gateway)
