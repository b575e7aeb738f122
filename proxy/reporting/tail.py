"""The reader's side of all spools in a folder: what is undelivered, in order, and what can be removed.

It delivers nothing. The cursor file says how far each segment has been acknowledged; without it everything is read
again, which is harmless because events have ids.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import structlog

from proxy.reporting import spool, tally
from proxy.reporting.segment import Chunk, has_writer, read_chunk

CURSOR = "cursor.json"
_MAKER = re.compile(r"-(\d+)-[0-9a-f]{8}[-.]").search  # the process in a spool's name

log = structlog.get_logger("delivery")


@dataclass(frozen=True, slots=True)
class Batch:
    """Hold payloads to deliver and where each segment stands once they are acknowledged."""

    payloads: tuple[bytes, ...]
    offsets: dict[str, int]
    tables: tuple[Path, ...] = ()  # tallies of dead processes, read whole


class SpoolFolder:
    """Read the spools of all processes, living and dead."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets = _read_cursor(folder / CURSOR)
        self._open: dict[str, int] = {}  # segment -> descriptor
        for draft in folder.glob(".*.draft"):  # of a process that was killed while it made a segment
            draft.unlink(missing_ok=True)

    def take(self, limit: int, *, abandoned: bool = True) -> Batch:
        """Return the next undelivered events, about `limit` bytes; remove segments that hold nothing more.

        Where there are none, what dead processes counted is given, if `abandoned` is to be looked for.
        """
        self._look()
        payloads: list[bytes] = []
        offsets: dict[str, int] = {}
        room = limit
        for name in sorted(self._open):
            found = self._read(name, room)
            if found:
                offsets[name] = found.offset
                payloads += found.payloads
                room -= sum(map(len, found.payloads))
            if room <= 0:
                return Batch(tuple(payloads), offsets)
        if payloads or not abandoned:
            return Batch(tuple(payloads), offsets)
        return self._abandoned_tables()

    def acknowledge(self, batch: Batch) -> None:
        """Note that a batch is delivered. The cursor is replaced whole, so a crash leaves the one before."""
        self._offsets.update(batch.offsets)
        for table in batch.tables:
            table.unlink(missing_ok=True)
        self._write_cursor()

    def close(self) -> None:
        """Let go of all files."""
        for handle in self._open.values():
            os.close(handle)
        self._open.clear()

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes all segments take on disk."""
        return sum(path.stat().st_size for path in self._folder.glob(f"*{spool.SUFFIX}"))

    def _look(self) -> None:
        names = {entry.name for entry in os.scandir(self._folder) if entry.name.endswith(spool.SUFFIX)}
        for gone in self._open.keys() - names:
            os.close(self._open.pop(gone))
        for name in names - self._open.keys():
            with contextlib.suppress(FileNotFoundError):
                self._open[name] = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
        self._offsets = {name: offset for name, offset in self._offsets.items() if name in self._open}

    def _read(self, name: str, room: int) -> Chunk | None:
        """Read on in one segment; nothing when it has nothing to give. A finished one is removed."""
        handle = self._open[name]
        alive = has_writer(handle)  # asked first: what a writer appended before it died is then still read
        chunk = read_chunk(handle, self._offsets.get(name, 0), room)
        if chunk.payloads:
            return chunk
        if chunk.ended or not alive:
            self._remove(name, chunk)
        return None

    def _remove(self, name: str, chunk: Chunk) -> None:
        if not chunk.ended and any(os.pread(self._open[name], 8, chunk.offset)):
            log.info("a record was being written when its process died; it was shown to nobody", segment=name)
        os.close(self._open.pop(name))
        self._offsets.pop(name, None)
        (self._folder / name).unlink(missing_ok=True)

    def _abandoned_tables(self) -> Batch:
        """Return what dead processes counted and did not flush. Their segments have been delivered by then."""
        self._remove_drafts()
        payloads: list[bytes] = []
        tables: list[Path] = []
        for path in sorted(self._folder.glob(f"*{tally.SUFFIX}")):
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                if not has_writer(file.fileno()):
                    payloads += _recovered(file)
                    tables.append(path)
        return Batch(tuple(payloads), {}, tuple(tables))

    def _remove_drafts(self) -> None:
        """Remove what a process was making when it was killed; its number stands in the name."""
        for draft in self._folder.glob(".*.draft"):
            number = _MAKER(draft.name)
            if number and not _lives(int(number[1])):
                draft.unlink(missing_ok=True)

    def _write_cursor(self) -> None:
        path = self._folder / CURSOR
        draft = path.with_suffix(".draft")
        try:
            draft.write_text(json.dumps({"offsets": self._offsets}))
            draft.replace(path)
        except OSError as error:  # a full disk: remembered in memory, written again with the next batch
            log.warning("the delivery cursor cannot be written", reason=str(error))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


def _recovered(table: BinaryIO) -> list[bytes]:
    """Return the counts of a dead process as events of the time at which it last counted."""
    counted = datetime.fromtimestamp(os.fstat(table.fileno()).st_mtime, UTC).isoformat(timespec="milliseconds")
    return [json.dumps({**event, "time": counted}).encode() for event in tally.leftovers(table.read())]


def _read_cursor(path: Path) -> dict[str, int]:
    try:
        offsets = json.loads(path.read_text())["offsets"]
        return {str(name): int(offset) for name, offset in offsets.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("the delivery cursor is damaged; events are delivered again", reason=str(error))
        return {}
