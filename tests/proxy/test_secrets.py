from __future__ import annotations

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proxy.secrets import Secrets, load_or_create
from proxy.state import StateDir

NAMES = set(
    "installation_id gateway_token admin_token read_token waiver_key privacy_key device_key collector_key".split()
)


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    found = StateDir(tmp_path / "state")
    found.prepare()
    return found


def test_made_once_private_and_kept(state: StateDir) -> None:
    first = load_or_create(state)
    assert load_or_create(state) == first
    assert {path.name for path in state.secrets.iterdir()} == NAMES
    assert {stat.S_IMODE(path.stat().st_mode) for path in state.secrets.iterdir()} == {0o600}


def test_every_secret_is_another_and_long(state: StateDir) -> None:
    made = load_or_create(state)
    tokens = {made.gateway_token, made.admin_token, made.read_token, made.waiver_key.hex(), made.privacy_key.hex()}
    tokens |= {made.device_key.hex(), made.collector_key.hex()}
    assert len(tokens) == 7
    assert min(map(len, tokens)) >= 43
    assert len(made.waiver_key) == 32


def test_only_the_name_is_shown(state: StateDir) -> None:
    made = load_or_create(state)
    assert re.fullmatch(rf"Secrets\(installation_id='{made.installation_id}'\)", repr(made))


def test_starts_at_the_same_moment_agree(state: StateDir) -> None:
    with ThreadPoolExecutor(8) as pool:
        found: list[Secrets] = list(pool.map(lambda _: load_or_create(state), range(16)))
    assert len(set(found)) == 1
    assert {path.name for path in state.secrets.iterdir()} == NAMES


def test_a_secret_that_others_can_read_is_refused(state: StateDir) -> None:
    load_or_create(state)
    (state.secrets / "read_token").chmod(0o644)
    with pytest.raises(PermissionError, match=r"read_token: others can read"):
        load_or_create(state)


def test_a_link_is_no_secret(state: StateDir, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("a" * 40)
    (state.secrets / "admin_token").symlink_to(target)
    with pytest.raises(PermissionError, match="admin_token"):
        load_or_create(state)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("read_token", ""),
        ("gateway_token", "short"),
        ("waiver_key", "not hexadecimal at all"),
        ("privacy_key", "é" * 40),
    ],
)
def test_a_damaged_secret_is_named(state: StateDir, name: str, text: str) -> None:
    load_or_create(state)
    (state.secrets / name).write_text(text)
    with pytest.raises(ValueError, match=f"{name}: is damaged; delete it"):
        load_or_create(state)
