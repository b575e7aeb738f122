"""The keeper does what a plan says in the right order, answers each line, and cleans up when the other end is gone."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from proxy.config.model import Config
from proxy.firewall.kernel import FirewallError
from proxy.profiles.keys import new_keys
from proxy.wireguard import interface, keeper, leftovers, routing
from proxy.wireguard.backend import TunnelError
from proxy.wireguard.interface import Interface, Means
from proxy.wireguard.keeper import Keeper, answer, serve
from proxy.wireguard.plan import plan_of
from tests.support.system_programs import Programs

PLAN = plan_of(Config.model_validate({"wireguard": {"enabled": True, "interface": "sw9"}}), new_keys().private)
PEERS = [{"key": new_keys().public, "addresses": ["10.87.0.2", "fd87:5ea:11::2"]}]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setattr(interface, "DEVICES", tmp_path / "net")
    monkeypatch.setattr(interface, "SOCKETS", tmp_path / "run")
    monkeypatch.setattr(routing, "SETTINGS", tmp_path / "sys")
    for folder in ("net", "sys/ipv4"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "sys/ipv4/ip_forward").write_text("0")
    made = Programs(tmp_path, monkeypatch)
    made.add("ip")
    made.add("wg", reads=True)
    made.add("nft", reads=False)
    made.answer("nft list table", 1, "", "Error: No such file or directory\n")
    return made


def ask(one: Keeper, **asked: Any) -> dict[str, Any]:
    return answer(one, json.dumps(asked).encode())


def test_rules_stand_before_the_interface_is_opened(tmp_path: Path, programs: Programs) -> None:
    one = Keeper(Interface("sw9"))
    assert ask(one, op="hello") == {"ok": True, "carrier": "kernel"}
    assert ask(one, op="apply", peers=PEERS) == {"ok": False, "error": "say `start` first"}
    assert ask(one, op="block", ranges=[]) == {"ok": False, "error": "say `start` first"}
    assert ask(one, op="start", plan=PLAN.to_json(), peers=PEERS) == {"ok": True, "carrier": "kernel"}
    assert programs.lines[1] == "nft -f -"
    assert programs.lines[-1].endswith("up")
    assert (tmp_path / "sys/ipv4/ip_forward").read_text() == "1"
    assert ask(one, op="apply", peers=[]) == {"ok": True}
    assert "[Peer]" not in programs.asked[-1][-1]
    assert ask(one, op="block", ranges=[["203.0.113.1", "203.0.113.9"], ["2001:db8::1", "2001:db8::1"]]) == {"ok": True}
    assert programs.lines[-1] == "nft -f -"
    programs.answer("wg show sw9 dump", 0, "head\nK\t(none)\t(none)\t(none)\t0\t3\t4\toff\n")
    told = ask(one, op="traffic")
    assert told["peers"] == [{"key": "K", "handshake": None, "endpoint": "", "received": 3, "sent": 4}]
    one.clean_up()
    assert "ip link del dev sw9" in programs.lines


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"op": "dance"}, "no operation 'dance'"),
        ({}, "op"),
        ({"op": "start", "plan": {}, "peers": []}, "interface"),
        ({"op": "start", "plan": {**PLAN.to_json(), "interface": "eth0"}, "peers": []}, "is sw9, not eth0"),
        ({"op": "start", "plan": PLAN.to_json(), "peers": [{"key": "x", "addresses": []}]}, "44 characters"),
        ({"op": "start", "plan": PLAN.to_json(), "peers": [{**PEERS[0], "addresses": ["0/0"]}]}, "'0/0'"),
    ],
    ids=range(6),
)
def test_what_cannot_be_done_is_refused_with_the_reason(programs: Programs, asked: dict[str, Any], says: str) -> None:
    found = ask(Keeper(Interface("sw9")), **asked)
    assert found["ok"] is False
    assert says in found["error"]
    assert programs.lines == []


@pytest.mark.parametrize(
    "ends", [["203.0.113.9", "203.0.113.1"], ["203.0.113.1", "2001:db8::1"], ["} flush ruleset", "x"]]
)
def test_what_is_no_range_reaches_no_rule(programs: Programs, ends: list[str]) -> None:
    one = Keeper(Interface("sw9"))
    ask(one, op="start", plan=PLAN.to_json(), peers=[])
    asked = len(programs.lines)
    assert ask(one, op="block", ranges=[ends])["ok"] is False
    assert len(programs.lines) == asked


def test_a_machine_that_shall_forward_nothing_is_left_as_it_is(tmp_path: Path, programs: Programs) -> None:
    body = {**PLAN.to_json(), "forwards_udp": False}
    assert ask(Keeper(Interface("sw9")), op="start", plan=body, peers=[])["ok"]
    assert (tmp_path / "sys/ipv4/ip_forward").read_text() == "0"


def test_lines_are_answered_until_the_other_end_is_gone(programs: Programs) -> None:
    ours, its = socket.socketpair()
    with its:
        serving = threading.Thread(target=serve, args=(Keeper(Interface("sw9")), its))
        serving.start()
        with ours, ours.makefile("rwb") as lines:
            lines.write(b'{"op": "hello"}\n{"op"')
            lines.flush()
            assert json.loads(lines.readline()) == {"ok": True, "carrier": "kernel"}
            lines.write(b': "hello"}\nnonsense\n')
            lines.flush()
            assert json.loads(lines.readline())["ok"] is True
            assert json.loads(lines.readline())["ok"] is False
        serving.join(20)
        assert not serving.is_alive()


class Dead:
    """A wireguard-go that has ended."""

    def poll(self) -> int:
        return 1


def test_a_wireguard_go_that_ended_is_started_anew_with_all_that_it_held(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    means = Means(socket.socket(), os.open(os.devnull, os.O_RDONLY))
    one = Keeper(Interface("sw9", means))
    ask(one, op="start", plan=PLAN.to_json(), peers=PEERS)
    one.look()
    assert one.restarts == 0
    one._found.child = Dead()  # type: ignore[assignment]
    monkeypatch.setattr(interface, "carried", Interface)
    before = len(programs.lines)
    one.look()
    assert one.restarts == 1
    assert "[Peer]" in programs.asked[before][-1]
    one._found.child = Dead()  # type: ignore[assignment]

    def fail(name: str, found: Means) -> Interface:
        raise TunnelError("no program")

    monkeypatch.setattr(interface, "carried", fail)
    one.look()
    assert "cannot be made again: no program" in capsys.readouterr().err
    one._found.child = None
    one.clean_up()


def test_rules_that_cannot_be_removed_are_told(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise FirewallError("no right")

    monkeypatch.setattr(leftovers, "remove_rules", fail)
    Keeper(Interface("sw9")).clean_up()
    assert "cannot be removed: no right" in capsys.readouterr().err


def _main(monkeypatch: pytest.MonkeyPatch, *, root: bool = False) -> tuple[int, list[dict[str, Any]], list[object]]:
    """Run the keeper with nobody at the other end; return its exit code, what it said, and whom it became."""
    became: list[object] = []
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(keeper, "become", lambda account, keep: became.append((account.name, keep)))
    monkeypatch.setattr(interface, "means_of", lambda name: None)
    ours, its = socket.socketpair()
    ours.shutdown(socket.SHUT_WR)
    with ours, ours.makefile("rb") as said:
        code = keeper.main(["sw9", str(its.detach())])
        return code, [json.loads(line) for line in said], became


def test_it_makes_the_interface_says_so_and_cleans_up(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said, became = _main(monkeypatch, root=True)
    assert (code, said, became) == (0, [{"ok": True, "carrier": "kernel"}], [("nobody", {12})])
    assert "ip link add sw9 type wireguard" in programs.lines
    assert "ip link del dev sw9" in programs.lines


def test_it_says_why_it_cannot(tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.answer("ip link add", 2, "", "RTNETLINK answers: Operation not permitted\n")
    code, said, became = _main(monkeypatch)
    assert (code, became) == (1, [])
    assert "needs root" in said[0]["error"]
    monkeypatch.setattr(interface, "is_minded", lambda: True)
    code, said, _ = _main(monkeypatch)
    assert code == 1
    assert "another gateway's tunnel is up" in said[0]["error"]
