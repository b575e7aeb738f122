"""The adb calls, against a stand-in adb on disk that keeps settings in files and writes down what it was asked."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from proxy.emulator import Adb, EmulatorError, attach, attached, detach, detach_all

FAKE_ADB = """\
#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
[ -f "$here/broken" ] && { echo "error: device offline" >&2; exit 1; }
case "$*" in
  devices) printf 'List of devices attached\\n'; cat "$here/devices";;
  *"settings get global http_proxy") cat "$here/setting" 2>/dev/null || echo null;;
  *"settings put global http_proxy"*) for last; do :; done; echo "$last" >"$here/setting";;
esac
"""


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "adb"
        program.write_text(FAKE_ADB)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.devices("emulator-5554\tdevice")
        self.adb = Adb(str(program))
        self.ca = folder / "ca.pem"
        self.ca.write_text("CA")
        self.record = folder / "emulator.json"

    def devices(self, *rows: str) -> None:
        (self.folder / "devices").write_text("".join(row + "\n" for row in rows))

    @property
    def setting(self) -> str:
        return (self.folder / "setting").read_text().strip()

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_an_emulator_gets_the_hosts_loopback_and_the_ca(bench: Bench) -> None:
    entry = attach(bench.adb, None, 8080, bench.ca, bench.record)
    assert (entry.serial, entry.proxy, bench.setting) == ("emulator-5554", "10.0.2.2:8080", "10.0.2.2:8080")
    assert f"-s emulator-5554 push {bench.ca} /sdcard/Download/seawall-ca.crt" in bench.calls
    assert stat.S_IMODE(bench.record.stat().st_mode) == 0o600


def test_detaching_clears_what_was_not_set_before(bench: Bench) -> None:
    attach(bench.adb, None, 8080, bench.ca, bench.record)
    assert [entry.serial for entry in detach(bench.adb, [], bench.record)] == ["emulator-5554"]
    assert bench.setting == ":0"
    assert not bench.record.exists()
    assert detach(bench.adb, [], bench.record) == []


def test_attaching_twice_still_restores_the_persons_own_proxy(bench: Bench) -> None:
    (bench.folder / "setting").write_text("corp.example:3128\n")
    attach(bench.adb, None, 8080, bench.ca, bench.record)
    attach(bench.adb, "emulator-5554", 9090, bench.ca, bench.record)
    detach(bench.adb, ["emulator-5554"], bench.record)
    assert bench.setting == "corp.example:3128"


def test_a_phone_on_usb_uses_its_own_loopback_by_adb_reverse(bench: Bench) -> None:
    bench.devices("R58M123\tdevice", "emulator-5554\toffline")
    entry = attach(bench.adb, None, 8080, bench.ca, bench.record)
    assert (entry.serial, entry.proxy) == ("R58M123", "127.0.0.1:8080")
    assert "-s R58M123 reverse tcp:8080 tcp:8080" in bench.calls
    detach(bench.adb, [], bench.record)
    assert "-s R58M123 reverse --remove tcp:8080" in bench.calls


@pytest.mark.parametrize(
    ("rows", "serial", "complaint"),
    [
        ((), None, "no emulator or device is connected: start the emulator"),
        (("emulator-5554\toffline",), None, r"not ready: emulator-5554"),
        (("emulator-5554\tdevice", "emulator-5556\tdevice"), None, r"several devices .* --serial"),
        (("emulator-5554\tdevice",), "other", "no device 'other' is ready"),
    ],
)
def test_a_device_that_is_not_there_is_said_plainly(
    bench: Bench, rows: tuple[str, ...], serial: str | None, complaint: str
) -> None:
    bench.devices(*rows)
    with pytest.raises(EmulatorError, match=complaint):
        attach(bench.adb, serial, 8080, bench.ca, bench.record)
    assert attached(bench.record) == []


def test_a_device_that_went_away_stays_on_record(bench: Bench) -> None:
    attach(bench.adb, None, 8080, bench.ca, bench.record)
    (bench.folder / "broken").touch()
    with pytest.raises(EmulatorError, match="device offline"):
        detach(bench.adb, [], bench.record)
    assert [entry.serial for entry in attached(bench.record)] == ["emulator-5554"]


def test_detaching_a_stranger_is_an_error(bench: Bench) -> None:
    with pytest.raises(EmulatorError, match="not attached by Seawall: emulator-9"):
        detach(bench.adb, ["emulator-9"], bench.record)


def test_a_missing_adb_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmulatorError, match="apt-get install adb"):
        Adb()


def test_an_adb_that_cannot_start_or_hangs_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmulatorError, match="cannot be started"):
        Adb(str(tmp_path / "nothing")).call("devices")
    slow = tmp_path / "adb"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr("proxy.emulator._ADB_LIMIT", 0.2)
    with pytest.raises(EmulatorError, match="did not answer"):
        Adb(str(slow)).call("devices")


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"serial": "x"}]'])
def test_a_damaged_record_counts_as_none(tmp_path: Path, text: str) -> None:
    record = tmp_path / "emulator.json"
    record.write_text(text)
    assert attached(record) == []


def test_the_end_of_a_run_detaches_everything(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{bench.folder}:/usr/bin:/bin")
    assert detach_all(bench.record) == ""
    attach(bench.adb, None, 8080, bench.ca, bench.record)
    (bench.folder / "broken").touch()
    assert "run `seawall emulator detach` when it is back" in detach_all(bench.record)
    (bench.folder / "broken").unlink()
    assert detach_all(bench.record) == ""
    assert bench.setting == ":0"
