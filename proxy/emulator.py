"""Route an Android emulator or a USB phone through the running gateway over adb, and undo exactly that.

What was attached is written down in the state directory with the setting it replaced, so that `detach` and the end of
`seawall run` restore it. Only adb is called here; nothing is asked of the person and nothing is printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

HOST_FROM_EMULATOR = "10.0.2.2"
CA_ON_DEVICE = "/sdcard/Download/seawall-ca.crt"
_CLEAR = ":0"  # `settings delete` leaves derived settings behind; `:0` clears at once
_ADB_LIMIT = 20  # seconds for one adb call
_SERIAL = re.compile(r"[A-Za-z0-9._:\-]{1,128}")


class EmulatorError(RuntimeError):
    """Say what is missing or went wrong with adb, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Attached:
    """Remember one device that was attached, and the proxy setting it had before (empty for none)."""

    serial: str
    proxy: str
    before: str
    reversed_port: int = 0  # a port forwarded with `adb reverse`, 0 for none


class Adb:
    """Call adb with a time limit and map its failures to `EmulatorError`."""

    def __init__(self, program: str | None = None) -> None:
        found = program or shutil.which("adb")
        if not found:
            raise EmulatorError(
                "adb is not installed or not on PATH: install Android's platform-tools (Debian: `apt-get install adb`)"
            )
        self._program = found

    def call(self, *args: str) -> str:
        """Run one adb command and return what it printed."""
        try:
            done = subprocess.run(  # noqa: S603 - our own argument list, no shell
                [self._program, *args], capture_output=True, text=True, timeout=_ADB_LIMIT, check=False
            )
        except subprocess.TimeoutExpired:
            raise EmulatorError(f"`adb {' '.join(args)}` did not answer within {_ADB_LIMIT} s; is it asleep?") from None
        except OSError as error:
            raise EmulatorError(f"adb cannot be started: {error}") from None
        if done.returncode:
            raise EmulatorError(f"`adb {' '.join(args)}` failed: {(done.stderr or done.stdout).strip()[:300]}")
        return done.stdout.strip()

    def choose(self, serial: str | None) -> str:
        """Return the device meant: the one named, or the only one there is."""
        ready, others = self._devices()
        if serial in ready:
            return serial
        if serial is None and len(ready) == 1:
            return ready[0]
        if serial is None and ready:
            raise EmulatorError(f"several devices are connected ({', '.join(ready)}): name one with --serial")
        what = f"no device {serial!r} is ready" if serial else "no emulator or device is connected"
        hint = f" (not ready: {', '.join(others)})" if others else ""
        raise EmulatorError(f"{what}{hint}: start the emulator, or allow USB debugging; `adb devices` shows the list")

    def _devices(self) -> tuple[list[str], list[str]]:
        ready: list[str] = []
        others: list[str] = []
        for line in self.call("devices").splitlines()[1:]:
            serial, _, state = line.partition("\t")
            if _SERIAL.fullmatch(serial):
                (ready if state == "device" else others).append(serial)
        return ready, others


def attach(adb: Adb, serial: str | None, port: int, ca: Path, record: Path) -> Attached:
    """Point one device's global proxy at the gateway and put the CA into its downloads.

    An emulator reaches the host's loopback as 10.0.2.2. A phone on USB gets the port by `adb reverse` and uses its own
    loopback. Attaching twice keeps the setting from before the first time.
    """
    chosen = adb.choose(serial)
    known = {entry.serial: entry for entry in attached(record)}
    emulator = chosen.startswith("emulator-")
    proxy = f"{HOST_FROM_EMULATOR if emulator else '127.0.0.1'}:{port}"
    before = known[chosen].before if chosen in known else _current(adb, chosen)
    entry = Attached(chosen, proxy, before, 0 if emulator else port)
    _write(record, [*(other for name, other in known.items() if name != chosen), entry])
    if not emulator:
        adb.call("-s", chosen, "reverse", f"tcp:{port}", f"tcp:{port}")
    adb.call("-s", chosen, "push", str(ca), CA_ON_DEVICE)
    adb.call("-s", chosen, "shell", "settings", "put", "global", "http_proxy", proxy)
    return entry


def detach(adb: Adb, serials: list[str], record: Path) -> list[Attached]:
    """Restore the proxy setting of the devices named (all that were attached, when none is) and forget them.

    A device that is gone is kept on record, so that a later `detach` can still restore it; its error is raised last.
    """
    known = attached(record)
    wanted = [entry for entry in known if not serials or entry.serial in serials]
    unknown = set(serials) - {entry.serial for entry in known}
    if unknown:
        raise EmulatorError(f"not attached by Seawall: {', '.join(sorted(unknown))}")
    done: list[Attached] = []
    failed: EmulatorError | None = None
    for entry in wanted:
        try:
            _restore(adb, entry)
            done.append(entry)
        except EmulatorError as error:
            failed = error
    _write(record, [entry for entry in known if entry not in done])
    if failed:
        raise failed
    return done


def detach_all(record: Path) -> str:
    """Detach whatever is on record, at the end of a run; return what could not be done, empty when all was."""
    if not record.exists():
        return ""
    try:
        detach(Adb(), [], record)
    except EmulatorError as error:
        return f"an emulator is still attached ({error}); run `seawall emulator detach` when it is back"
    return ""


def record_of(state_dir: Path) -> Path:
    """Return where attached devices are written down."""
    return state_dir / "emulator.json"


def attached(record: Path) -> list[Attached]:
    """Return what is on record; an unreadable record counts as none."""
    try:
        return [Attached(**entry) for entry in json.loads(record.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def _current(adb: Adb, serial: str) -> str:
    found = adb.call("-s", serial, "shell", "settings", "get", "global", "http_proxy")
    return "" if found in {"null", _CLEAR, ""} else found


def _restore(adb: Adb, entry: Attached) -> None:
    adb.call("-s", entry.serial, "shell", "settings", "put", "global", "http_proxy", entry.before or _CLEAR)
    if entry.reversed_port:
        adb.call("-s", entry.serial, "reverse", "--remove", f"tcp:{entry.reversed_port}")


def _write(record: Path, entries: list[Attached]) -> None:
    if not entries:
        record.unlink(missing_ok=True)
        return
    fresh = record.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump([asdict(entry) for entry in entries], out)
    fresh.replace(record)
