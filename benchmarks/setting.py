"""What one run of the benchmarks is given: rounds, their length, where large data lies, which cores are whose."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Missing

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Setting:
    """Hold the choices of a run. `quick` takes little data and short rounds: it shows that all works, no more."""

    rounds: int = 5
    quick: bool = False

    @property
    def seconds(self) -> int:
        """Return how long one round of a load test lasts."""
        return 1 if self.quick else 5


def large_data(name: str) -> Path:
    """Return a file of the shared data: below `SEAWALL_TEST_DATA`, else `../shared`. Raises Missing."""
    for folder in (os.environ.get("SEAWALL_TEST_DATA"), ROOT.parent / "shared"):
        if folder and (Path(folder) / name).exists():
            return Path(folder) / name
    raise Missing(f"needs the shared data file {name}: set SEAWALL_TEST_DATA to the folder that holds it")


def cores() -> list[int]:
    """Return the cores that we may use; none where the system does not tell (macOS)."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def load_cores() -> list[int]:
    """Return the core for load generators and origins: the last, where there are two or more."""
    return cores()[-1:] if len(cores()) > 1 else cores()


def server_cores() -> list[int]:
    """Return the cores for what is measured: all but the last, where there are two or more."""
    return cores()[:-1] if len(cores()) > 1 else cores()


@contextmanager
def pinned(to: list[int]) -> Iterator[None]:
    """Start processes on these cores: a child inherits them. Does nothing where the system cannot."""
    before = cores()
    if to and before:
        os.sched_setaffinity(0, to)
    try:
        yield
    finally:
        if to and before:
            os.sched_setaffinity(0, before)


def placement() -> str:
    """Say in words where servers and load run."""
    if len(cores()) < 2:
        return "one core (or no way to pin): servers and load share it"
    return f"servers on core {','.join(map(str, server_cores()))}, load on core {','.join(map(str, load_cores()))}"
