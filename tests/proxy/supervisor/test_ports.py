from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import psutil
import pytest

from proxy.config.model import Config
from proxy.supervisor import ports as module
from proxy.supervisor.ports import PortError, Ports, holder_of, listeners

FREE: dict[str, Any] = {"proxy": {"port": 0, "socks_port": 0}, "dns": {"port": 0}, "collector": {"port": 0}}


def config(**changes: Any) -> Config:
    return Config.model_validate({**FREE, **changes})


def test_free_numbers_are_chosen_once_and_filled_in() -> None:
    ports = Ports(config(proxy={"port": 0, "socks_port": 0, "transparent_port": 0}))
    filled = ports.filled_in(config(proxy={"port": 0, "socks_port": 0, "transparent_port": 0}))
    numbers = [
        filled.proxy.port,
        filled.proxy.socks_port,
        filled.proxy.transparent_port,
        filled.dns.port,
        filled.collector.port,
    ]
    assert len(set(numbers)) == 5
    assert 0 not in numbers
    assert set(ports.numbers) == {"http_proxy", "socks", "transparent", "dns", "collector"}
    ports.release()


def test_a_collector_elsewhere_needs_no_port() -> None:
    elsewhere = config(collector={"url": "https://collector.example", "port": 0})
    assert "collector" not in {listener.name for listener in listeners(elsewhere)}
    ports = Ports(elsewhere)
    assert ports.filled_in(elsewhere).collector.port == 0
    ports.release()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a listener stand beside a held number")
async def test_a_child_can_listen_beside_the_held_number_and_nobody_else_gets_it() -> None:
    ports = Ports(config())
    for _ in range(3):  # as after each restart of the child
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", ports.numbers["http_proxy"])
        _, writer = await asyncio.open_connection("127.0.0.1", ports.numbers["http_proxy"])
        writer.close()
        server.close()
        await server.wait_closed()
    with pytest.raises(OSError, match="in use"), socket.socket() as other:
        other.bind(("127.0.0.1", ports.numbers["http_proxy"]))
    ports.release()


def test_ipv6_numbers() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    ports = Ports(config(proxy={"host": "::1", "port": 0, "socks_port": 0}))
    assert ports.numbers["http_proxy"]
    ports.release()


@pytest.mark.parametrize(
    ("kind", "section", "key"),
    [
        (socket.SOCK_STREAM, "proxy", "port"),
        (socket.SOCK_STREAM, "collector", "port"),
        (socket.SOCK_DGRAM, "dns", "port"),
        (socket.SOCK_STREAM, "dns", "port"),
    ],
)
def test_a_number_in_use_is_told_with_its_key(kind: socket.SocketKind, section: str, key: str) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        number = taken.getsockname()[1]
        with pytest.raises(PortError, match=rf"port {number} at 127\.0\.0\.1 is in use.*`{section}\.{key}`") as raised:
            Ports(config(**{section: {**FREE[section], key: number}}))
        assert "by " in str(raised.value)
    Ports(config()).release()  # what was held before the failure has been let go of


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(PortError, match=r"cannot be used .*`proxy\.port`"):
        Ports(config(proxy={"host": "192.0.2.1", "port": 0, "socks_port": 0}))


def test_a_number_that_needs_privileges(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(PortError, match="needs privileges"):
        Ports(config(dns={"port": 53}))


def test_udp_and_tcp_get_the_same_number_or_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Ports._bound

    def no_udp(self: Ports, listener: module.Listener, kind: socket.SocketKind, port: int) -> socket.socket:
        if kind is socket.SOCK_DGRAM:
            raise PortError("taken")
        return original(self, listener, kind, port)

    monkeypatch.setattr(Ports, "_bound", no_udp)
    with pytest.raises(PortError, match="no port is free on both"):
        Ports(config())


def test_elsewhere_than_on_linux_the_number_is_only_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.sys, "platform", "darwin")
    ports = Ports(config())
    with socket.socket() as child:
        child.bind(("127.0.0.1", ports.numbers["socks"]))
    ports.release()


def test_a_holder_that_cannot_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> Any:
        raise psutil.AccessDenied

    assert holder_of(1) == ""
    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert holder_of(1) == ""


def test_the_tunnel_of_an_interface_takes_one_udp_port() -> None:
    config = Config.model_validate(
        {
            "proxy": {"port": 0, "socks_port": 0},
            "dns": {"port": 0},
            "collector": {"port": 0},
            "wireguard": {"enabled": True, "backend": "kernel", "port": 0},
        }
    )
    ports = Ports(config)
    try:
        assert ports.filled_in(config).wireguard.port == ports.numbers["wireguard"] > 0
    finally:
        ports.release()
