from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from proxy.config.model import Config
from proxy.state import StateDir
from proxy.wireguard import kernel_backend
from proxy.wireguard.backend import TunnelError
from proxy.wireguard.choice import backend_of, chosen, is_userspace
from proxy.wireguard.kernel_backend import KernelBackend
from proxy.wireguard.userspace.backend import UserspaceBackend


def config(**tunnel: object) -> Config:
    return Config.model_validate({"wireguard": tunnel})


def refuses(interface: str) -> socket.socket:
    raise TunnelError(f"{interface} needs root")


@pytest.fixture(autouse=True)
def _linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv(kernel_backend.INHERITED, raising=False)


def test_an_interface_that_can_be_made_is_taken(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    state.prepare()
    ours, its = socket.socketpair()
    with ours, its:
        found = chosen(config(enabled=True), lambda interface: ours)
        assert (found.config.wireguard.backend, found.config.wireguard.by_kernel) == ("kernel", True)
        assert isinstance(backend_of(found, found.config, state), KernelBackend)


def test_the_keeper_that_was_started_as_root_is_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = socket.socketpair()
    with its:
        monkeypatch.setenv(kernel_backend.INHERITED, str(ours.detach()))
        found = chosen(config(enabled=True, backend="kernel"), refuses)
        assert found.keeper is not None
        found.keeper.close()


def test_where_none_can_be_made_auto_goes_on_in_user_space_and_kernel_says_why(tmp_path: Path) -> None:
    found = chosen(config(enabled=True), refuses)
    assert (found.config.wireguard.backend, found.keeper) == ("userspace", None)
    assert not found.config.wireguard.by_kernel
    assert isinstance(backend_of(found, found.config, StateDir(tmp_path)), UserspaceBackend)
    with pytest.raises(TunnelError, match="seawall0 needs root"):
        chosen(config(enabled=True, backend="kernel"), refuses)


def test_elsewhere_than_on_linux_there_is_user_space_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(TunnelError, match="needs Linux"):
        chosen(config(enabled=True, backend="kernel"), refuses)


@pytest.mark.parametrize("tunnel", [{}, {"enabled": True, "backend": "userspace"}])
def test_nothing_is_made_where_nothing_is_wanted(tunnel: dict[str, object], tmp_path: Path) -> None:
    found = chosen(config(**tunnel), refuses)
    assert found.keeper is None
    assert found.config.wireguard.backend == tunnel.get("backend", "auto")
    assert is_userspace(found.config.wireguard) is bool(tunnel)
    assert (backend_of(found, found.config, StateDir(tmp_path)) is not None) is bool(tunnel)
