"""Settings cross to a scan process whole."""

from __future__ import annotations

from pathlib import Path

from addons.scanning.limits import Limits
from proxy.scanning.settings import ScanSettings, read


def test_they_are_read_again() -> None:
    settings = ScanSettings(Limits(entries=7, seconds=1.5), (Path("a.yar"), Path("rules")), "127.0.0.1:3310", 1 << 30)
    assert read(settings.text()) == settings
