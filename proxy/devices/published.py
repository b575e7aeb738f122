"""The registry as every process reads it: one file, replaced by rename, looked at before each use.

A look is one `stat`, so a revoked token is refused from the moment the file is replaced: nobody has to be told, and
no process waits for another. What cannot be read is logged, and the last good registry stays in force.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from proxy import file_stamp
from proxy.devices.record import DeviceRecord, from_json, to_json

log = logging.getLogger(__name__)

VERSION = 1


@dataclass(frozen=True, slots=True)
class Registry:
    """Hold all devices of one moment, found by what they show."""

    records: tuple[DeviceRecord, ...] = ()
    by_token: dict[str, DeviceRecord] = field(default_factory=dict)
    by_user: dict[str, DeviceRecord] = field(default_factory=dict)
    by_peer_key: dict[str, DeviceRecord] = field(default_factory=dict)
    by_peer_address: dict[str, DeviceRecord] = field(default_factory=dict)
    by_id: dict[str, DeviceRecord] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[DeviceRecord]) -> Registry:
        """Index records."""
        listed = tuple(records)
        return cls(
            listed,
            {token: one for one in listed for token in (one.token, one.lent_token) if token},
            {one.user: one for one in listed if one.password}
            | {one.lent_user: one for one in listed if one.lent_password},
            {one.peer_key: one for one in listed if one.peer_key},
            {address: one for one in listed if one.peer_key for address in one.addresses},
            {one.id: one for one in listed},
        )


class PublishedRegistry:
    """Give the registry of the moment. `changes` rises whenever another one was read."""

    def __init__(self, path: Path) -> None:
        self.changes = 0
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._registry = Registry()

    @property
    def stamp(self) -> str:
        """Name the state of the file that is in force, as `stamp_of` does."""
        self.current()
        return _spelled(self._stamp)

    def current(self) -> Registry:
        """Return the registry in force; an empty one where no device was ever added."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - twice as fast as Path.stat, once a connection
            stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        except FileNotFoundError:
            stamp = None
        except OSError as problem:
            log.warning("%s: %s; the last known devices stay known", self._path, problem.strerror)
            return self._registry
        if stamp != self._stamp:
            self._stamp = stamp
            self._read(stamp is not None)
        return self._registry

    def _read(self, exists: bool) -> None:
        try:
            self._registry = read(self._path) if exists else Registry()
            self.changes += 1
        except (OSError, ValueError) as problem:
            log.warning("%s; the last known devices stay known", problem)


def stamp_of(path: Path) -> str:
    """Name the state of the file: another one after each change, empty where there is none."""
    return _spelled(file_stamp.stamp_of(path))


def _spelled(stamp: tuple[int, int, int] | None) -> str:
    return "-".join(map(str, stamp)) if stamp else ""


def read(path: Path) -> Registry:
    """Read the file. Raises ValueError naming it when it is damaged, OSError when it cannot be read."""
    try:
        body = json.loads(path.read_bytes())
        version, devices = body["version"], [from_json(one) for one in body["devices"]]
    except (ValueError, KeyError, TypeError) as problem:
        raise ValueError(f"{path}: is no registry of devices: {problem or type(problem).__name__}") from None
    if version != VERSION:
        raise ValueError(f"{path}: is of version {version!r:.20}, expected {VERSION}")
    return Registry.of(devices)


def write(path: Path, records: Iterable[DeviceRecord]) -> None:
    """Replace the file whole, 0600."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    body = {"version": VERSION, "devices": [to_json(one) for one in records]}
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(body, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
