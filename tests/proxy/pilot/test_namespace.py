"""A thread leaves for a namespace that has the tunnel alone, by a real wireguard-go; this process stays."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from proxy.pilot import namespace
from proxy.pilot.clients import PilotError
from proxy.pilot.namespace import inside
from proxy.profiles.keys import new_keys
from proxy.profiles.wireguard import TunnelProfile
from proxy.wireguard.interface import SOCKETS

NAME = f"swp{os.getpid()}"[:15]


def profile(endpoint: str = "127.0.0.1:9") -> TunnelProfile:
    return TunnelProfile(
        private_key=new_keys().private,
        addresses=(ip_address("10.87.0.2"), ip_address("fd87:5ea:11::2")),
        gateway=(ip_address("10.87.0.1"),),
        server_key=new_keys().public,
        endpoint=endpoint,
        allowed=(ip_network("0.0.0.0/0"), ip_network("::/0")),
    )


@pytest.fixture
def root(require_program: Callable[..., str]) -> None:
    for program, package in (("ip", "iproute2"), ("wg", "wireguard-tools"), ("wireguard-go", "wireguard-go")):
        require_program(program, package)
    if os.geteuid() != 0:
        pytest.skip("needs root, to make a network namespace")


def links() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


def left(sock: socket.socket, to: str) -> str:
    sock.connect((to, 9))
    return str(sock.getsockname()[0])


async def test_the_work_has_the_tunnel_alone_and_this_process_keeps_its_network(root: None) -> None:
    before = links()

    async def work() -> tuple[list[str], str, str]:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as v4,
            socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as v6,
        ):
            return links(), left(v4, "203.0.113.1"), left(v6, "2001:db8::1")

    found, v4, v6 = await inside(profile(), work)
    assert sorted(found) == ["lo", NAME]
    assert (v4, v6) == ("10.87.0.2", "fd87:5ea:11::2")
    assert links() == before
    assert not (SOCKETS / f"{NAME}.sock").exists()


async def test_work_that_fails_leaves_nothing_either(root: None) -> None:
    before = links()

    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await inside(profile(), work)
    assert links() == before


async def test_a_tunnel_that_cannot_be_had_is_said(root: None) -> None:
    before = links()

    async def work() -> None:
        pytest.fail("there is no tunnel")

    with pytest.raises(PilotError, match=r"the pilot.s tunnel: .*wg: "):
        await inside(profile("no endpoint"), work)
    assert links() == before


async def test_without_root_it_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace.os, "geteuid", lambda: 1000)

    async def work() -> None:
        pytest.fail("not here")

    with pytest.raises(PilotError, match="needs Linux and root"):
        await inside(profile(), work)


async def test_where_no_interface_can_be_made_nothing_is_left(
    root: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("proxy.firewall.kernel._SBIN", str(tmp_path))

    async def work() -> None:
        pytest.fail("there is no tunnel")

    with pytest.raises(PilotError, match="`ip` is not installed"):
        await inside(profile(), work)
    assert not (SOCKETS / f"{NAME}.sock").exists()
