from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.protect.by_rules import ByRules
from proxy.protect.by_settings import BySettings
from proxy.protect.remembered import Memory
from proxy.protect.way import ProtectError
from proxy.protect.ways import end_what_a_crash_left, way_here
from tests.proxy.protect.test_remembered import ONE
from tests.support.mac_settings import MacSettings, a_service


def test_each_platform_has_its_way(tmp_path: Path) -> None:
    def unasked() -> Path:
        raise AssertionError("rules need no state directory")

    assert isinstance(way_here(unasked, "linux"), ByRules)
    assert isinstance(way_here(lambda: tmp_path, "darwin"), BySettings)
    with pytest.raises(ProtectError, match="by hand"):
        way_here(unasked, "freebsd14")


def test_a_start_puts_back_what_a_crash_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert end_what_a_crash_left(tmp_path / "none", "linux") == ""
    assert end_what_a_crash_left(tmp_path / "none", "darwin") == ""
    mac = MacSettings(tmp_path, Wi_Fi=a_service(webproxy=[True, "127.0.0.1", 8080, False]))
    monkeypatch.setenv("PATH", f"{mac.folder}:/usr/bin:/bin")
    left = {"webproxy Wi Fi": ("off", "", "0")}, {"webproxy Wi Fi": ("on", "127.0.0.1", "8080")}
    Memory(tmp_path).save(replace(ONE, before=left[0], ours=left[1]))
    assert "was ended by a crash" in end_what_a_crash_left(tmp_path, "darwin")
    assert mac.services == {"Wi Fi": a_service()}
    assert end_what_a_crash_left(tmp_path, "darwin") == ""


def test_a_start_goes_on_where_it_may_not(tmp_path: Path) -> None:
    (tmp_path / "system-proxy.json").write_text("{")
    assert "could not be ended after a crash" in end_what_a_crash_left(tmp_path, "darwin")
