"""The commands shown are those that the emulator command issues (tests/test_documentation.py holds the latter)."""

from __future__ import annotations

from pathlib import Path

from proxy.emulator import attach
from proxy.enrolment.emulator import commands
from proxy.enrolment.places import Places
from tests.test_documentation import Recorder


def test_by_hand_and_by_command_are_the_same(tmp_path: Path) -> None:
    adb = Recorder()
    attach(adb, None, 8080, Path("seawall-ca.crt"), tmp_path / "record")
    issued = {"adb " + " ".join(words[2:]) for words in adb.asked if words[0] == "-s" and "get" not in words}
    assert issued == set(commands(Places("192.0.2.1", 8080), "", "seawall-ca.crt"))
