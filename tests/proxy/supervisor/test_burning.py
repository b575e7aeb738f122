"""When CPU counts as burnt: numbers first, then those of a real inspector that is as busy as it can be."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from proxy.supervisor.burning import LEAST_WORK, MOST_SHARE, WINDOW, Burning
from tests.support.browsing import fetch
from tests.support.inspecting import inspecting
from tests.support.site import HTML, site

FILE = b"PK\x03\x04" + bytes(8_000_000)
DOWNLOAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: %d\r\n\r\n" % len(FILE) + FILE


@pytest.mark.parametrize(
    ("share", "steps", "seen"),
    [
        (MOST_SHARE, 0.0, True),
        (MOST_SHARE - 0.01, 0.0, False),
        (2.0, LEAST_WORK - 0.5, True),
        (2.0, LEAST_WORK + 0.5, False),
    ],
)
def test_it_takes_both_much_cpu_and_little_work(share: float, steps: float, seen: bool) -> None:
    burning = Burning()
    for turn in range(13):
        at = WINDOW / 12 * turn
        found = burning.is_seen(7, at, 100 + share * at, 50 + round(steps * share * at))
        assert found is (seen and turn == 12), "never before the window is over"


def test_a_burst_passes_and_what_began_within_the_window_counts_when_it_fills_it() -> None:
    burning, cpu, found = Burning(), 0.0, []
    for turn in range(60):
        cpu += 5.0 if 4 <= turn < 12 or turn >= 30 else 0.0
        found.append(burning.is_seen(7, 5.0 * turn, cpu, 0))
    assert not any(found[:38])
    assert all(found[45:])


def test_a_process_that_was_started_anew_begins_anew() -> None:
    burning = Burning()
    assert not burning.is_seen(7, 0.0, 0.0, 0)
    assert not burning.is_seen(8, WINDOW, WINDOW, 0)
    assert burning.is_seen(8, 2 * WINDOW, 2 * WINDOW, 0)


@pytest.mark.parametrize(("answer", "times"), [(HTML, 40), (DOWNLOAD, 3)], ids=["pages", "files"])
async def test_a_real_inspector_at_work_is_far_from_it(tmp_path: Path, answer: bytes, times: int) -> None:
    """The test's client and server use the same CPU, which only makes it harder."""
    async with inspecting(tmp_path) as inspector, site(answer) as there:
        before = time.process_time()
        for _ in range(times):
            assert (await fetch(f"http://good.test:{there.port}/x", http=inspector.http)).status == 200
        assert inspector.engine.work.done > 5 * LEAST_WORK * (time.process_time() - before)
