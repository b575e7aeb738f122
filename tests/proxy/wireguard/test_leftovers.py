"""What a killed gateway left goes; what somebody minds stays."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from proxy.firewall.kernel import FirewallError
from proxy.wireguard import interface, leftovers, routing, rules
from tests.support.system_programs import Programs


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setattr(interface, "DEVICES", tmp_path / "net")
    monkeypatch.setattr(interface, "SOCKETS", tmp_path / "run")
    monkeypatch.setattr(interface, "OWNER", os.getuid())
    monkeypatch.setattr(routing, "SETTINGS", tmp_path / "sys")
    for folder in ("net", "run", "sys/ipv4"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "sys/ipv4/ip_forward").write_text("1")
    made = Programs(tmp_path, monkeypatch)
    made.add("ip")
    made.add("nft", reads=False)
    return made


def _left(folder: Path, name: str, minder: int) -> None:
    (folder / "net" / name).mkdir()
    (folder / "net" / name / "ifalias").write_text(f"seawall:{minder}\n")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.bind(str(path))


def test_interface_rules_socket_and_forwarding_go(tmp_path: Path, programs: Programs) -> None:
    _left(tmp_path, "sw9", 999999999)
    _socket(tmp_path / "run" / "gone.sock")
    programs.answer("nft list table", 0, f"chain {rules.WAS_OFF[4]} {{\n}}\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as elsewhere:  # of a gateway in another namespace
        elsewhere.bind(str(tmp_path / "run" / "live.sock"))
        elsewhere.listen()
        leftovers.remove()
    assert programs.lines[0] == "ip link del dev sw9"
    assert programs.lines[-1] == "nft -f -"
    assert (tmp_path / "sys/ipv4/ip_forward").read_text() == "0"
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["live.sock"]


def test_a_running_gateways_tunnel_stays(tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    _left(tmp_path, "sw9", os.getpid())
    monkeypatch.setattr(interface, "_is_alive", lambda process: True)
    leftovers.remove()
    assert programs.lines == []


def test_where_nothing_is_nothing_is_done(programs: Programs) -> None:
    programs.answer("nft list table", 1, "", "Error: No such file or directory\n")
    leftovers.remove()
    assert programs.lines == [f"nft list table inet {rules.TABLE}"]


def test_a_missing_right_is_said(programs: Programs) -> None:
    programs.answer("nft list table", 1, "", "Operation not permitted (you must be root)\n")
    with pytest.raises(FirewallError, match="CAP_NET_ADMIN"):
        leftovers.remove()
