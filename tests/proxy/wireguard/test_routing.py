from __future__ import annotations

from pathlib import Path

import pytest

from proxy.wireguard import routing
from proxy.wireguard.rules import WAS_OFF


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(routing, "SETTINGS", tmp_path)
    for name, value in {
        "ipv4/ip_forward": "0\n",
        "ipv6/conf/all/forwarding": "0\n",
        "ipv6/conf/eth0/accept_ra": "1\n",
        "ipv6/conf/eth1/accept_ra": "0\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(value)
    return tmp_path


def test_what_was_off_is_turned_on_and_off_again(settings: Path) -> None:
    assert routing.switched_off("") == (4, 6)
    routing.switch_on((4, 6))
    assert (settings / "ipv4/ip_forward").read_text() == "1"
    assert (settings / "ipv6/conf/eth0/accept_ra").read_text() == "2"
    assert (settings / "ipv6/conf/eth1/accept_ra").read_text() == "0\n"
    assert routing.switched_off("") == ()
    assert routing.switched_off(f"chain {WAS_OFF[4]} {{") == (4,), "after a crash the rules that stand tell"
    routing.switch_back(f"chain {WAS_OFF[6]} {{")
    assert (settings / "ipv4/ip_forward").read_text() == "1"
    assert (settings / "ipv6/conf/all/forwarding").read_text() == "0"


def test_a_router_stays_one(settings: Path) -> None:
    (settings / "ipv4/ip_forward").write_text("1\n")
    (settings / "ipv6/conf/all/forwarding").unlink()
    assert routing.switched_off("") == ()
    routing.switch_on(())
    assert (settings / "ipv6/conf/eth0/accept_ra").read_text() == "1\n"
