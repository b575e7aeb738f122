"""resolv.conf: what is read from it, when, and that we never ask ourselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.dns.system_resolvers import Bound, SystemResolvers, read_resolv_conf


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", ["192.0.2.1", "2001:db8::1"]),
        ("nameserver 192.0.2.1 # the router\n; nameserver 192.0.2.2\n#nameserver 192.0.2.3", ["192.0.2.1"]),
        ("nameserver fe80::1%eth0\nnameserver 192.0.2.1\nnameserver 192.0.2.1", ["fe80::1%eth0", "192.0.2.1"]),
        ("nameserver\nnameserver router\nsearch example\noptions edns0\n\0\ufffd", []),
        ("", []),
    ],
)
def test_reading(text: str, hosts: list[str]) -> None:
    assert [endpoint.host for endpoint in read_resolv_conf(text)] == hosts


@pytest.mark.parametrize(
    ("own", "hosts"),
    [
        (("127.0.0.1", 5053), ["127.0.0.1", "::1", "192.0.2.1"]),
        (("127.0.0.1", 53), ["::1", "192.0.2.1"]),
        (("0.0.0.0", 53), ["192.0.2.1"]),
        (("::", 53), ["192.0.2.1"]),
        (("192.0.2.1", 53), ["127.0.0.1", "::1"]),
    ],
)
def test_never_ourselves(tmp_path: Path, own: Bound, hosts: list[str]) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.1\nnameserver ::1\nnameserver 192.0.2.1\n")
    system = SystemResolvers([own], lambda: 0.0, path)
    assert [endpoint.host for endpoint in system.endpoints()] == hosts


def test_a_change_is_seen_within_a_second_and_a_loss_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    now = [0.0]
    system = SystemResolvers([], lambda: now[0], path)
    assert system.endpoints() == ()

    def after(text: str | None) -> list[str]:
        now[0] += 1
        if text is None:
            path.unlink()
        else:
            (tmp_path / "new").write_text(text)
            (tmp_path / "new").replace(path)
        return [endpoint.host for endpoint in system.endpoints()]

    assert after("nameserver 192.0.2.1") == ["192.0.2.1"]
    assert after("nameserver 192.0.2.2") == ["192.0.2.2"]
    now[0] += 0.5
    path.write_text("nameserver 192.0.2.33")
    assert [endpoint.host for endpoint in system.endpoints()] == ["192.0.2.2"]
    now[0] += 0.5
    assert [endpoint.host for endpoint in system.endpoints()] == ["192.0.2.33"]
    now[0] += 1
    assert [endpoint.host for endpoint in system.endpoints()] == ["192.0.2.33"]
    assert after(None) == ["192.0.2.33"]
    assert after("nameserver 192.0.2.4") == ["192.0.2.4"]
    assert after("# nothing") == []
