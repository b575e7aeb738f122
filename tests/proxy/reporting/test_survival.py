"""Kill a reporting process at random moments: every id that it was given arrives, and so does every repeat."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from proxy.reporting.delivery import Delivery
from tests.proxy.reporting.samples import Recorder

ROOT = Path(__file__).parents[3]


async def killed_after(folder: Path, lines: int) -> list[str]:
    """Let a child report until so many lines have come, kill it in the middle of things, return all its lines."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.proxy.reporting.reporting_child",
        str(folder),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout
    found = [await child.stdout.readline() for _ in range(lines)]
    await asyncio.sleep(random.uniform(0, 0.005))
    child.kill()
    found += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    return [line.decode() for line in found if line.endswith(b"\n")]


async def test_every_id_that_was_returned_arrives_and_repeats_add_up(tmp_path: Path) -> None:
    collector = Recorder()
    delivery = Delivery(tmp_path, collector, lambda: datetime.now(UTC))
    lines: list[str] = []
    async with asyncio.timeout(100):
        running = asyncio.create_task(delivery.run())
        for number in (3, 40, 150, 333, 700, 1500):
            lines += await killed_after(tmp_path, number)
        running.cancel()
        await asyncio.wait({running})
        await delivery.drain(30)
        await delivery.drain(30)
    delivery.close()
    shown = {line.split()[0] for line in lines}
    arrived = {str(event["incident"]) for event in collector.of_kind("verdict")}
    assert shown <= arrived
    assert len(arrived) - len(shown) <= 6  # at most one more for each kill: appended, its id not yet written out
    told = Counter(line.split()[0] for line in lines if line.endswith(" 1\n"))
    counted: Counter[str] = Counter()
    for event in collector.of_kind("repeat"):
        counted[str(event["incident"])] += int(str(event["count"]))
    assert all(counted[incident] >= count for incident, count in told.items())
    assert counted.total() - told.total() <= 6
    assert {path.name for path in tmp_path.iterdir()} <= {"cursor.json"}
