"""What can be known without a firewall. Real redirection, by nftables in network namespaces, is in `tests/heavy`."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from proxy.config.sections.proxy import ProxyConfig
from proxy.front import transparent
from proxy.front.transparent import INHERITED, arrived_at, bind, doorsteps, hosts, inherited, redirected_from


def _connected(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    listener.setblocking(True)
    listener.listen()
    client = socket.create_connection(listener.getsockname()[:2])
    return client, listener.accept()[0]


@pytest.mark.parametrize(("version", "host"), [(4, "127.0.0.1"), (6, "::1")])
def test_a_connection_that_was_not_redirected_has_no_destination(version: int, host: str) -> None:
    with bind(version, host, 0) as listener:
        client, accepted = _connected(listener)
        with client, accepted, pytest.raises(OSError) as caught:
            redirected_from(accepted)
        assert caught.value.errno in (errno.EADDRNOTAVAIL, errno.ENOENT, errno.ENOPROTOOPT)


@pytest.mark.parametrize(("version", "host"), [(4, "127.0.0.1"), (6, "::1")])
def test_by_tproxy_the_sockets_own_address_is_the_destination(version: int, host: str) -> None:
    with bind(version, host, 0) as listener:
        client, accepted = _connected(listener)
        with client, accepted:
            assert arrived_at(accepted) == (host, listener.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", {4: "127.0.0.1", 6: "::1"}),
        ("::1", {4: "127.0.0.1", 6: "::1"}),
        ("0.0.0.0", {4: "0.0.0.0", 6: "::"}),
        ("192.0.2.1", {4: "0.0.0.0", 6: "::"}),
    ],
)
def test_redirected_traffic_is_taken_at_loopback_or_everywhere(host: str, expected: dict[int, str]) -> None:
    assert hosts(ProxyConfig.model_validate({"host": host}).host) == expected


def test_without_ipv6_only_ipv4_is_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transparent, "_has_ipv6", lambda: False)
    assert hosts(ProxyConfig().host) == {4: "127.0.0.1"}


def test_both_families_are_bound_and_named() -> None:
    made = doorsteps(ProxyConfig(transparent_port=0))
    assert [(step.name, step.sock.getsockname()[0], step.destination_of) for step in made] == [
        ("transparent", "127.0.0.1", redirected_from),
        ("transparent_v6", "::1", redirected_from),
    ]
    for step in made:
        step.sock.close()


def test_nothing_is_bound_unless_asked_for() -> None:
    assert doorsteps(ProxyConfig()) == []


def test_a_port_in_use_is_named_with_its_key_and_nothing_stays_open() -> None:
    with bind(6, "::1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"proxy\.transparent_port: cannot bind ::1:{port}"):
            doorsteps(ProxyConfig(transparent_port=port))
        bind(4, "127.0.0.1", port).close()


def test_tproxy_without_the_right_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(family: socket.AddressFamily) -> socket.socket:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(transparent, "transparent_socket", refused)
    with pytest.raises(OSError, match="CAP_NET_ADMIN"):
        doorsteps(ProxyConfig(tproxy_port=0))


def test_an_inherited_socket_is_bound_once_and_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that is started anew finds the socket that the one before it has bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as given:
        monkeypatch.setenv(INHERITED, f"6:999,4:{given.fileno()},nonsense")
        assert inherited() == (999, given.fileno())
        with bind(4, "127.0.0.1", 0, transparent=True) as first:
            bound = first.getsockname()
        with bind(4, "127.0.0.1", 0, transparent=True) as again:
            assert again.getsockname() == bound == given.getsockname()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may have such a socket")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_transparent_socket_may_be_bound_to_a_foreign_address(family: socket.AddressFamily) -> None:
    address = "203.0.113.9" if family == socket.AF_INET else "2001:db8::9"
    with transparent.transparent_socket(family) as sock:
        sock.bind((address, 0))
        assert sock.getsockname()[0] == address


class Redirected:
    """Stand in for a socket of the kernel's that was redirected: it tells where it was going, and where it arrived."""

    def __init__(self, family: socket.AddressFamily, raw: bytes, here: tuple[str, int]) -> None:
        self.family, self._raw, self._here = family, raw, here

    def getsockopt(self, *_: int) -> bytes:
        return self._raw

    def getsockname(self) -> tuple[str, int]:
        return self._here


V4 = bytes(2) + (443).to_bytes(2) + socket.inet_aton("192.0.2.7") + bytes(8)
V6 = bytes(2) + (443).to_bytes(2) + bytes(4) + socket.inet_pton(socket.AF_INET6, "2001:db8::7") + bytes(4)


@pytest.mark.parametrize(
    ("family", "raw", "host"), [(socket.AF_INET, V4, "192.0.2.7"), (socket.AF_INET6, V6, "2001:db8::7")], ids=[4, 6]
)
def test_where_a_connection_was_going_is_read_as_the_kernel_writes_it(
    family: socket.AddressFamily, raw: bytes, host: str
) -> None:
    assert redirected_from(Redirected(family, raw, ("127.0.0.1", 8443))) == (host, 443)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="came straight to us"):
        redirected_from(Redirected(family, raw, (host, 443)))  # type: ignore[arg-type]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=[4, 6])
def test_a_transparent_socket_needs_the_right(family: socket.AddressFamily) -> None:
    try:
        made = transparent.transparent_socket(family)
    except PermissionError:
        assert os.geteuid() != 0
    else:
        with made:
            assert made.family == family
