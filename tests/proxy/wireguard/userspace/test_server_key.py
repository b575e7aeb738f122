from __future__ import annotations

from proxy.profiles.keys import new_keys
from proxy.wireguard.userspace.server_key import own_keys


def test_each_device_has_a_key_of_its_own_that_stays_the_same() -> None:
    server = new_keys()
    one, other = own_keys(server, "a" * 32), own_keys(server, "b" * 32)
    assert one == own_keys(server, "a" * 32)
    assert len({one.private, other.private, server.private, own_keys(new_keys(), "a" * 32).private}) == 4
    assert len({one.public, other.public, server.public}) == 3
