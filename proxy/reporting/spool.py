"""The event spool of one process: a row of segments, the next one made before the last is full.

It knows bytes, not events. It never raises into its caller. Where somebody attends to it, an append never waits for a
disk: spare segments are made in another thread, and while there is none it says so and the caller decides what to keep
(see `reporter.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import structlog

from proxy.reporting.segment import SegmentWriter

SEGMENT_SIZE = 1024 * 1024  # bytes
MAX_FOLDER = 256 * 1024 * 1024  # bytes that all spools of a gateway may take while the collector is away
SUFFIX = ".segment"
_SPARES = 3  # segments ready to be written: what comes in while a disk is slow

log = structlog.get_logger("spool")


class Spool:
    """Append records that outlive this process.

    `scarce` is true while no further segment can be made, `tight` while half of the folder's room is taken: in either
    case only first sightings may use what is left, so that a day of counted repeats cannot push one out.
    Only one thread may append; `prepare` may run in another.
    """

    def __init__(
        self, folder: Path, role: str, *, segment_size: int = SEGMENT_SIZE, max_folder: int = MAX_FOLDER
    ) -> None:
        self.name = f"{role}-{os.getpid()}-{secrets.token_hex(4)}"
        self.scarce = False
        self.tight = False
        self._folder = folder
        self._size = segment_size
        self._max_folder = max_folder
        self._numbers = itertools.count(1)
        self._current: SegmentWriter | None = None
        self._spares: deque[SegmentWriter] = deque()
        self._wanted = asyncio.Event()
        self._attended = False
        self.prepare()

    @property
    def needs_spare(self) -> bool:
        """Say whether `prepare` has work to do: segments to make, or to look whether there is room again."""
        return self.tight or self._is_short_of_spares

    @property
    def takes_counts(self) -> bool:
        """Say whether there is room for more than first sightings."""
        return not (self.scarce or self.tight)

    @property
    def _is_short_of_spares(self) -> bool:
        return len(self._spares) < (_SPARES if self._attended else 1)

    def attend(self, attended: bool = True) -> asyncio.Event:
        """Promise to call `prepare` in another thread soon after the event is set: then `append` makes no segment."""
        self._attended = attended
        return self._wanted

    def append(self, payloads: Sequence[bytes], *, first_sightings: bool) -> int:
        """Append records in order; return how many there was room for now."""
        if not (first_sightings or self.takes_counts):
            return 0
        done = self._current.append(payloads) if self._current else 0
        while done < len(payloads) and len(payloads[done]) <= self._size // 2 and self._next():
            assert self._current is not None  # noqa: S101 - `_next` has just set it
            done += self._current.append(payloads[done:])
        return done

    def _next(self) -> bool:
        """Go on to the next segment, if there is one; ask for another."""
        if not self.scarce:
            self._wanted.set()
            if not (self._spares or self._attended):
                self.prepare()
        if not self._spares:
            return False
        if self._current:
            self._current.close()
        self._current = self._spares.popleft()
        return True

    def prepare(self) -> None:
        """Make the next segments ready, if they are not. A full disk makes the spool scarce until this succeeds."""
        try:
            self._look_for_room()
            while self._is_short_of_spares:
                self._check_room()
                path = self._folder / f"{self.name}-{next(self._numbers):08d}{SUFFIX}"
                self._spares.append(SegmentWriter(path, self._size))
        except OSError as error:
            if not self.scarce:
                log.warning("the event spool cannot grow: only first sightings are kept", reason=str(error))
            self.scarce = True
        else:
            if self.scarce:
                log.warning("the event spool has room again")
                self.scarce = False

    def close(self) -> None:
        """Close the segment in use and remove the one that was only prepared."""
        if self._current:
            self._current.close()
        for spare in self._spares:
            spare.close()
            spare.path.unlink(missing_ok=True)
        self._current = None
        self._spares.clear()

    def _look_for_room(self) -> None:
        tight = self._taken() + self._size > self._max_folder // 2
        if tight and not self.tight:
            log.warning("half of the event spool's room is taken: counts of repeats wait where they are counted")
        self.tight = tight

    def _check_room(self) -> None:
        taken = self._taken()
        if taken + self._size > self._max_folder:
            raise OSError(f"undelivered events take {taken >> 20} MiB; is the collector reachable?")

    def _taken(self) -> int:
        taken = 0
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # delivered and removed this very moment
                    taken += entry.stat().st_size if entry.name.endswith(SUFFIX) else 0
        return taken
