"""What is asked of `ip`, `wg` and wireguard-go, and what is said where one of them refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.config.model import Config
from proxy.firewall.kernel import FirewallError
from proxy.profiles.keys import new_keys
from proxy.wireguard import interface
from proxy.wireguard.backend import PeerTraffic, TunnelError, TunnelPeer
from proxy.wireguard.interface import Interface, Means
from proxy.wireguard.plan import plan_of
from tests.support.system_programs import Programs

PLAN = plan_of(Config.model_validate({"wireguard": {"enabled": True, "interface": "sw9"}}), new_keys().private)
PEER = TunnelPeer("d", new_keys().public, ("10.87.0.2", "fd87:5ea:11::2"))
NO_WIREGUARD = (2, "", "Error: Unknown device type.\n")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setattr(interface, "DEVICES", tmp_path / "net")
    monkeypatch.setattr(interface, "SOCKETS", tmp_path / "run")
    (tmp_path / "net").mkdir()
    made = Programs(tmp_path, monkeypatch)
    made.add("ip")
    made.add("wg", reads=True)
    return made


@pytest.fixture
def means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Programs) -> Means:
    (tmp_path / "tun").touch()
    monkeypatch.setattr(interface, "TUN", str(tmp_path / "tun"))
    monkeypatch.setattr(interface, "OWNER", os.getuid())
    found = interface.means_of("sw9")
    assert found is not None
    return found


def alias(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "net" / name).mkdir()
    (tmp_path / "net" / name / "ifalias").write_text(text)


def test_the_kernels_wireguard_comes_first(programs: Programs) -> None:
    found = interface.made("sw9", None)
    assert (found.carrier, found.is_alive()) == ("kernel", True)
    assert programs.lines == [
        "ip link add sw9 type wireguard",
        f"ip link set dev sw9 alias seawall:{os.getpid()}",
    ]
    interface.take_down(found)
    assert programs.lines[-1] == "ip link del dev sw9"


def test_keys_peers_and_addresses_are_set_before_it_is_opened(programs: Programs) -> None:
    interface.set_up(PLAN, [PEER])
    asked = programs.asked
    assert asked[0][:-1] == ["wg", "syncconf", "sw9", "/dev/stdin"]
    assert asked[0][-1].splitlines() == [
        "[Interface]",
        f"PrivateKey = {PLAN.private_key}",
        "ListenPort = 51820",
        "",
        "[Peer]",
        f"PublicKey = {PEER.key}",
        "AllowedIPs = 10.87.0.2/32, fd87:5ea:11::2/128",
    ]
    assert programs.lines[2:] == [
        "ip -4 addr replace 10.87.0.1/16 dev sw9",
        "ip -6 addr replace fd87:5ea:11::1/64 dev sw9 nodad",
        "ip link set dev sw9 mtu 1280 up",
    ]


def test_what_wg_tells_of_peers_is_read(programs: Programs) -> None:
    rows = [
        "private\tpublic\t51820\toff",
        "K1\t(none)\t192.0.2.1:7\t10.87.0.2/32\t1767225600\t10\t20\toff",
        "K2\t(none)\t(none)\t10.87.0.3/32\t0\t0\t0\toff",
    ]
    programs.answer("wg show sw9 dump", 0, "\n".join(rows) + "\n")
    assert interface.traffic("sw9") == [
        PeerTraffic("K1", datetime(2026, 1, 1, tzinfo=UTC), "192.0.2.1:7", 10, 20),
        PeerTraffic("K2"),
    ]


def test_without_the_right_it_says_what_to_do(programs: Programs) -> None:
    programs.answer("ip link add", 2, "", "RTNETLINK answers: Operation not permitted\n")
    with pytest.raises(TunnelError, match=r"needs root: start the gateway with sudo .* or set `backend: userspace`"):
        interface.made("sw9", None)


def test_where_nothing_can_carry_it_it_says_what_to_install(programs: Programs) -> None:
    programs.answer("ip link add", *NO_WIREGUARD)
    with pytest.raises(TunnelError, match=r"no WireGuard .*wireguard-go is not installed: install it"):
        interface.made("sw9", None)
    programs.add("wireguard-go")
    with pytest.raises(TunnelError, match="wireguard-go needs root"):
        interface.made("sw9", None)


def test_wireguard_go_is_started_on_a_device_of_ours(
    programs: Programs, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("fcntl.ioctl", lambda fd, what, packed: asked.append(int.from_bytes(packed[16:18], "little")))
    programs.answer("ip link add", *NO_WIREGUARD)
    programs.add("wireguard-go")
    for version, flags in (("0.0.20220316", 0x0001), ("0.0.20230223", 0x5001)):
        programs.answer("wireguard-go --version", 0, f"wireguard-go v{version}\n")
        found = interface.made("sw9", means)
        assert found.carrier == "wireguard-go"
        assert asked[-1] == flags
        assert found.child is not None
        found.child.wait(20)
        assert not found.is_alive()
    interface.take_down(found)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(means.device)


def test_a_device_that_cannot_be_made_is_named(programs: Programs, means: Means) -> None:
    programs.answer("ip link add", *NO_WIREGUARD)
    programs.add("wireguard-go")
    programs.answer("wireguard-go --version", 0, "of another spelling\n")
    with pytest.raises(TunnelError, match=r"wireguard.interface: sw9 cannot be made: Inappropriate ioctl"):
        interface.made("sw9", means)
    os.close(means.device)


def test_a_wireguard_go_that_ends_is_not_waited_for(programs: Programs, means: Means) -> None:
    programs.add("wireguard-go")
    programs.answer("wg show sw9", 1, "", "Unable to access interface\n")
    with pytest.raises(TunnelError, match="wireguard-go does not carry sw9"):
        interface.carried("sw9", means)
    os.close(means.device)


def test_a_stubborn_child_is_killed(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    monkeypatch.setattr(interface, "_ENDS_WITHIN", 0.01)
    programs.answer("ip link del", 1, "", "Cannot find device\n")
    interface.take_down(Interface("sw9", None, child))
    assert child.returncode == -9
    child.stdout.close()


def test_means_need_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Programs) -> None:
    monkeypatch.setattr(interface, "TUN", str(tmp_path / "nowhere"))
    monkeypatch.setattr(interface, "OWNER", os.getuid())
    assert interface.means_of("sw9") is None


def test_leftovers_are_told_from_others_interfaces_and_from_live_ones(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    alias(tmp_path, "left", "seawall:999999999\n")
    alias(tmp_path, "other", "somebody\n")
    alias(tmp_path, "live", f"seawall:{os.getppid()}\n")
    assert interface.leftovers() == ["left", "live"], "the parent is no keeper"
    monkeypatch.setattr(interface, "_is_alive", lambda process: process == os.getppid())
    assert interface.leftovers() == ["left"]
    assert interface.is_minded()
    interface.remove_leftover("gone")
    interface.remove_leftover("left")
    assert programs.lines == ["ip link del dev left"]
    with pytest.raises(TunnelError, match="other is there already, and not ours"):
        interface.remove_leftover("other")
    with pytest.raises(TunnelError, match=r"live is another gateway's \(process \d+\)"):
        interface.remove_leftover("live")


def test_an_interface_without_an_alias_is_nobodys_of_ours(tmp_path: Path, programs: Programs) -> None:
    (tmp_path / "net" / "bare").mkdir()
    assert interface.minder_of("bare") is None
    assert not interface.is_minded()


def test_what_wg_refuses_is_said(programs: Programs) -> None:
    programs.answer("wg syncconf", 1, "", "Key is not the correct length or format\n")
    with pytest.raises(FirewallError, match="Key is not the correct length"):
        interface.apply(PLAN, [PEER])
