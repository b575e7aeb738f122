from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.protect.by_rules import ByRules
from proxy.protect.by_settings import BySettings
from proxy.protect.remembered import Memory
from proxy.protect.way import ProtectError
from proxy.protect.ways import Wanted, end_what_a_crash_left, way_here
from tests.proxy.protect.test_remembered import ONE
from tests.support.mac_settings import MacSettings, a_service


@pytest.mark.parametrize(("wanted", "platform"), [("auto", "linux"), ("rules", "linux")])
def test_rules_need_no_state_directory(wanted: Wanted, platform: str) -> None:
    def unasked() -> Path:
        raise AssertionError

    assert isinstance(way_here(wanted, unasked, platform), ByRules)


@pytest.mark.parametrize(("wanted", "platform"), [("settings", "linux"), ("auto", "darwin"), ("settings", "darwin")])
def test_settings_are_a_way_of_both(wanted: Wanted, platform: str, tmp_path: Path) -> None:
    assert isinstance(way_here(wanted, lambda: tmp_path, platform), BySettings)


@pytest.mark.parametrize(("wanted", "platform"), [("rules", "darwin"), ("auto", "freebsd14")])
def test_elsewhere_there_is_none(wanted: Wanted, platform: str, tmp_path: Path) -> None:
    with pytest.raises(ProtectError, match="by hand"):
        way_here(wanted, lambda: tmp_path, platform)


def test_a_start_puts_back_what_a_crash_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert end_what_a_crash_left(tmp_path / "none") == ""
    mac = MacSettings(tmp_path, Wi_Fi=a_service(webproxy=[True, "127.0.0.1", 8080, False]))
    monkeypatch.setenv("PATH", f"{mac.folder}:/usr/bin:/bin")
    left = {"webproxy Wi Fi": ("off", "", "0")}, {"webproxy Wi Fi": ("on", "127.0.0.1", "8080")}
    Memory(tmp_path).save(replace(ONE, before=left[0], ours=left[1]))
    assert "was ended by a crash" in end_what_a_crash_left(tmp_path)
    assert mac.services == {"Wi Fi": a_service()}
    assert end_what_a_crash_left(tmp_path) == ""


def test_another_users_settings_are_left_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Memory(tmp_path).save(replace(ONE, system="gnome"))
    monkeypatch.setattr(Memory, "is_ours", lambda self: False)
    assert end_what_a_crash_left(tmp_path) == ""
    assert Memory(tmp_path).load()


@pytest.mark.parametrize("system", ["gone", None])
def test_a_start_goes_on_where_it_may_not(tmp_path: Path, system: str | None) -> None:
    if system:
        Memory(tmp_path).save(replace(ONE, system=system))
    else:
        (tmp_path / "system-proxy.json").write_text("{")
    assert "could not be ended after a crash" in end_what_a_crash_left(tmp_path)
