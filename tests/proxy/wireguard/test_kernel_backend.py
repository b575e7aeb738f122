"""The gateway's end of the keeper: what is asked, what comes back, and what is said when nobody answers."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest

from proxy.config.model import Config
from proxy.profiles.keys import new_keys
from proxy.wireguard import kernel_backend
from proxy.wireguard.backend import PeerTraffic, TunnelError, TunnelPeer
from proxy.wireguard.kernel_backend import KernelBackend
from proxy.wireguard.plan import plan_of

PLAN = plan_of(Config.model_validate({"wireguard": {"enabled": True}}), new_keys().private)
PEER = TunnelPeer("d", "K", ("10.87.0.2", "fd87:5ea:11::2"), 51821)


class FakeKeeper:
    """Answer lines in a thread, as the keeper does."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.asked: list[dict[str, Any]] = []
        self.socket, self._its = socket.socketpair()
        self._answers = list(answers)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with self._its, self._its.makefile("rwb") as lines:
            for line in lines:
                self.asked.append(json.loads(line))
                if not self._answers:
                    return
                lines.write(json.dumps(self._answers.pop(0)).encode() + b"\n")
                lines.flush()

    def join(self) -> None:
        self._thread.join(20)


async def test_it_asks_for_what_the_port_says() -> None:
    row = {"key": "K", "handshake": "2026-01-01T00:00:00+00:00", "endpoint": "192.0.2.1:7", "received": 1, "sent": 2}
    never = {"key": "L", "handshake": None, "endpoint": "", "received": 0, "sent": 0}
    keeper = FakeKeeper({"ok": True}, {"ok": True}, {"ok": True}, {"ok": True, "peers": [row, never]})
    backend = KernelBackend(keeper.socket, PLAN)
    assert backend.trouble == ""
    await backend.start([PEER])
    await backend.apply([])
    await backend.block([(ip_address("9.9.9.0"), ip_address("9.9.9.9"))])
    assert await backend.traffic() == {
        "K": PeerTraffic("K", datetime(2026, 1, 1, tzinfo=UTC), "192.0.2.1:7", 1, 2),
        "L": PeerTraffic("L"),
    }
    await backend.stop()
    await backend.stop()
    keeper.join()
    listed = [{"key": "K", "addresses": ["10.87.0.2", "fd87:5ea:11::2"]}]
    assert keeper.asked == [
        {"op": "start", "plan": PLAN.to_json(), "peers": listed},
        {"op": "apply", "peers": []},
        {"op": "block", "ranges": [["9.9.9.0", "9.9.9.9"]]},
        {"op": "traffic"},
    ]


async def test_a_keeper_that_refuses_or_ends_is_told() -> None:
    keeper = FakeKeeper({"ok": False, "error": "nft: no"})
    with pytest.raises(TunnelError, match="nft: no"):
        await KernelBackend(keeper.socket, PLAN).start([])
    keeper.join()
    keeper = FakeKeeper({"ok": True})
    backend = KernelBackend(keeper.socket, PLAN)
    await backend.start([])
    with pytest.raises(TunnelError, match="has ended"):
        await backend.apply([])
    assert "the tunnel is down" in backend.trouble
    await backend.stop()
    with pytest.raises(TunnelError, match="has not been started"):
        await backend.traffic()
    keeper.join()


async def test_one_that_was_never_started_lets_go_of_the_keeper() -> None:
    keeper = FakeKeeper()
    backend = KernelBackend(keeper.socket, PLAN)
    await backend.stop()
    keeper.join()
    assert keeper.asked == []


async def test_a_keeper_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_backend, "_ANSWERS_WITHIN", 0.05)
    ours, its = socket.socketpair()
    with its:
        backend = KernelBackend(ours, PLAN)
        with pytest.raises(TunnelError, match="does not answer"):
            await backend.start([])
        await asyncio.sleep(0)


def _program(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Have `python -m proxy.wireguard.keeper NAME FD` run this code in its place."""
    real = subprocess.Popen

    def run(command: list[str], **options: Any) -> Any:
        return real([sys.executable, "-c", code, *command[3:]], **options)

    monkeypatch.setattr("proxy.wireguard.kernel_backend.subprocess.Popen", run)


def test_a_keeper_is_started_and_kept_for_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kernel_backend.INHERITED, raising=False)
    assert kernel_backend.kept() is None
    says = "import socket, sys; s = socket.socket(fileno=int(sys.argv[2])); s.sendall(b'{\"ok\": true}\\n'); s.recv(1)"
    _program(monkeypatch, says)
    kernel_backend.keep_for_later("sw9")
    found = kernel_backend.kept()
    assert found is not None
    assert kernel_backend.kept() is None
    found.close()
    assert kernel_backend.INHERITED not in os.environ


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; sys.exit(1)", "has ended"),
        (
            "import socket, sys; s = socket.socket(fileno=int(sys.argv[2]))\n"
            's.sendall(b\'{"ok": false, "error": "no tun"}\\n\')',
            "no tun",
        ),
    ],
)
def test_a_keeper_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch, code: str, says: str) -> None:
    _program(monkeypatch, code)
    with pytest.raises(TunnelError, match=says):
        kernel_backend.start_keeper("sw9")
