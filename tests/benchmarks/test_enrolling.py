"""What is read of a device's file, and what passes for its block page."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from benchmarks.enrolling import is_page, read
from proxy.profiles.keys import new_keys
from proxy.profiles.wireguard import TunnelProfile, text_of


def test_a_device_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    ours, theirs = new_keys(), new_keys()
    inner = (ip_address("10.87.0.9"), ip_address("fd87:5ea:11::9"))
    gateway = (ip_address("10.87.0.1"), ip_address("fd87:5ea:11::1"))
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    profile = TunnelProfile(ours.private, inner, gateway, theirs.public, "10.77.0.1:53107", everything, mtu=1300)
    path = tmp_path / "new.conf"
    path.write_text(text_of(profile))
    found = read(path)
    assert (found.tunnel.private, found.tunnel.server) == (ours.private, theirs.public)
    assert (found.tunnel.address, found.tunnel.port) == ("10.87.0.9", 53107)
    assert (found.dns, found.mtu) == ("10.87.0.1", 1300)


@pytest.mark.parametrize(
    ("said", "page"),
    [
        ("<html>listed.test is blocked</html>\n403", True),
        ("<html>something else</html>\n403", False),
        ("<html>listed.test</html>\n200", False),
        ("\n000", False),
        ("", False),
    ],
)
def test_only_the_block_page_of_the_listed_host_counts(said: str, page: bool) -> None:
    assert is_page(said) is page
