"""What is written into a device's files is an address of this computer, whatever ways out it has."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from proxy import own_address as module
from proxy.own_address import own_address


def test_without_a_way_out_it_is_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoWay(socket.socket):
        def connect(self, address: object) -> None:
            raise OSError("network is unreachable")

    monkeypatch.setattr(module.socket, "socket", NoWay)
    assert own_address() == "127.0.0.1"


def test_the_way_out_has_an_address_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ELSEWHERE", (("127.0.0.9", socket.AF_INET),))
    assert ip_address(own_address()).is_loopback
