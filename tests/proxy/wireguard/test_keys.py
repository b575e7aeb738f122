"""The tunnel's key is made once, and is private; a device's key is kept only where asked, and forgotten for good."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from proxy.profiles.keys import new_keys
from proxy.state import StateDir
from proxy.wireguard.keys import KeptKeys, server_keys


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    made = StateDir(tmp_path / "state")
    made.prepare()
    return made


def test_the_tunnel_s_key_is_made_once_and_private(state: StateDir) -> None:
    first = server_keys(state)
    assert server_keys(state) == first
    assert stat.S_IMODE((state.secrets / "wireguard_key").stat().st_mode) == 0o600


def test_a_damaged_key_is_named_with_what_to_do(state: StateDir) -> None:
    server_keys(state)
    (state.secrets / "wireguard_key").write_text("not a key, but long enough\n")
    with pytest.raises(ValueError, match=r"wireguard_key: a WireGuard key is 32 bytes .*; delete it"):
        server_keys(state)


def test_a_device_s_key_is_kept_privately_until_it_is_forgotten(state: StateDir) -> None:
    kept, device = KeptKeys(state), "0123456789abcdef"
    assert kept.of(device) == ""
    keys = new_keys()
    kept.keep(device, "earlier")
    kept.keep(device, keys.private)
    assert kept.of(device) == keys.private
    (file,) = state.secrets.glob("wireguard_key_of_*")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept.forget(device)
    kept.forget(device)
    assert kept.of(device) == ""


def test_only_an_id_names_a_file(state: StateDir) -> None:
    with pytest.raises(ValueError, match="is no device's id"):
        KeptKeys(state).keep("../../else", "x")
