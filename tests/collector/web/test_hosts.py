"""Which names are ours, before and after the port is known."""

from __future__ import annotations

import pytest

from collector.web.hosts import AllowedHosts


@pytest.mark.parametrize(
    ("configured", "public", "bound", "host", "allowed"),
    [
        ((), "", ("127.0.0.1", 8088), "127.0.0.1:8088", True),
        ((), "", ("127.0.0.1", 8088), "127.0.0.1", False),
        ((), "", ("127.0.0.1", 80), "localhost", True),
        ((), "", ("0.0.0.0", 8088), "0.0.0.0:8088", False),
        ((), "", ("::1", 8088), "[::1]:8088", True),
        ((), "", ("192.0.2.4", 8088), "192.0.2.4:8088", True),
        (("seawall.home",), "", ("127.0.0.1", 8088), "seawall.home:8088", True),
        (("seawall.home",), "", ("127.0.0.1", 8088), "Seawall.Home", True),
        (("seawall.home:9000",), "", ("127.0.0.1", 8088), "seawall.home:9000", True),
        (("seawall.home:9000",), "", ("127.0.0.1", 8088), "seawall.home:8088", False),
        ((), "https://wall.example/", ("127.0.0.1", 8088), "wall.example", True),
    ],
)
def test_allows(configured, public, bound, host, allowed):
    hosts = AllowedHosts(configured, public)
    assert not hosts.allows("127.0.0.1:8088")
    hosts.bind(*bound)
    assert hosts.allows(host) is allowed


def test_an_origin_must_be_the_very_host_asked():
    hosts = AllowedHosts(())
    hosts.bind("127.0.0.1", 8088)
    assert hosts.allows_origin("http://127.0.0.1:8088", "127.0.0.1:8088")
    for origin in ("http://localhost:8088", "ftp://127.0.0.1:8088", "null", "", "http://127.0.0.1:8088.evil.example"):
        assert not hosts.allows_origin(origin, "127.0.0.1:8088")
