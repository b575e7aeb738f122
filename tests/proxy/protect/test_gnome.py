"""With the real `gsettings`, which keeps its values in a file of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.protect import by_settings
from proxy.protect.by_settings import BySettings
from proxy.protect.gnome import GnomeSettings
from proxy.protect.system_settings import Gate, change
from proxy.protect.way import State
from tests.proxy.protect.test_by_settings import _config

GATE = Gate("127.0.0.1", 8080, 1080, ("10.0.0.0/8",))


@pytest.fixture(autouse=True)
def gnome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require_program: Callable[..., str]) -> None:
    program = require_program("gsettings", "libglib2.0-bin")
    monkeypatch.setenv("GSETTINGS_BACKEND", "keyfile")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    listed = subprocess.run([program, "list-schemas"], capture_output=True, text=True, check=True).stdout
    if "org.gnome.system.proxy" not in listed:
        require_program("org.gnome.system.proxy", "gsettings-desktop-schemas")


def test_settings_are_pointed_here_and_put_back_as_they_were() -> None:
    settings = GnomeSettings()
    settings.write("org.gnome.system.proxy.http host", ("'proxy.example'",))
    settings.write("org.gnome.system.proxy ignore-hosts", ("['x.test']",))
    before = settings.read()
    assert settings.in_force() == {}
    change(settings, before, settings.wanted(before, GATE).items())
    now = settings.read()
    assert now["org.gnome.system.proxy ignore-hosts"] == ("['x.test', 'localhost', '10.0.0.0/8']",)
    assert now["org.gnome.system.proxy.socks port"] == ("1080",)
    assert settings.in_force() == {"http": ("127.0.0.1", 8080), "https": ("127.0.0.1", 8080)}
    change(settings, now, before.items())
    assert settings.read() == before
    assert settings.in_force() == {}


def test_an_empty_list_is_read() -> None:
    settings = GnomeSettings()
    settings.write("org.gnome.system.proxy ignore-hosts", ("@as []",))
    now = settings.read()
    assert now["org.gnome.system.proxy ignore-hosts"] == ("@as []",)
    assert settings.wanted(now, GATE)["org.gnome.system.proxy ignore-hosts"] == ("['localhost', '10.0.0.0/8']",)


def test_protection_goes_on_and_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers(scheme: str, host: str, port: int) -> bool:
        return port == 8080

    monkeypatch.setattr(by_settings, "answers_as_proxy", answers)
    before = GnomeSettings().read()
    way = BySettings(GnomeSettings(), tmp_path, lambda folder, mark, system: None)
    way.put_up(_config(tmp_path))
    assert way.look().state is State.PROTECTED
    way.take_down()
    assert GnomeSettings().read() == before
    assert way.look().state is State.OFF
