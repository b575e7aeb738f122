from __future__ import annotations

import socket
import sys

import pytest

from proxy.wireguard.inner_sockets import freely_bound

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="IP_FREEBIND is Linux'")


@pytest.mark.parametrize("host", ["10.87.255.1", "fd87:5ea:11::ffff"])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_an_address_that_nobody_has_can_be_bound(host: str, kind: socket.SocketKind) -> None:
    with freely_bound(host, 0, kind, shared=True) as first:
        port = first.getsockname()[1]
        with freely_bound(host, port, kind, shared=True) as second:
            assert second.getsockname()[:2] == (host, port)


def test_what_cannot_be_bound_is_named_with_its_key() -> None:
    with freely_bound("10.87.255.1", 0, socket.SOCK_DGRAM) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match=rf"wireguard.inner_port: cannot bind 10.87.255.1 port {port}: Address al"):
            freely_bound("10.87.255.1", port, socket.SOCK_DGRAM)
