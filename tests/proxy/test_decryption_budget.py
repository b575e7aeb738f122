from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from indicators.observation import Device
from proxy import decryption_budget
from proxy.decryption_budget import OPENED, UNENFORCED, UNSEEN, DecryptionBudget, report

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PHONE, TABLET = Device("p", "phone"), Device("t", "tablet")


def budget(folder: Path, process: str = "inspector") -> DecryptionBudget:
    return DecryptionBudget(folder, process, lambda: NOW)


async def test_processes_are_added_up_and_counts_outlive_them(tmp_path: Path) -> None:
    first = budget(tmp_path)
    first.opened(PHONE, "evil.test")
    first.opened(PHONE, "evil.test")
    first.opened(TABLET, "URLs on a.test")
    running = asyncio.create_task(first.run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    again, front = budget(tmp_path), budget(tmp_path, "front")
    again.opened(PHONE, "evil.test")
    front.unenforced(PHONE, "a.test")
    again.unseen(TABLET, "encrypted archive")
    again.write()
    front.write()
    found = report(tmp_path)
    assert [(row.what, row.name, row.why, row.count) for row in found.rows] == [
        (OPENED, "phone", "evil.test", 3),
        (OPENED, "tablet", "URLs on a.test", 1),
        (UNENFORCED, "phone", "a.test", 1),
        (UNSEEN, "tablet", "encrypted archive", 1),
    ]
    assert found.to_json()["totals"] == {OPENED: 4, UNENFORCED: 1, UNSEEN: 1}
    assert found.since == "2026-11-24T00:00:00+00:00"


async def test_it_is_written_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decryption_budget, "_WRITE_EVERY", 0.001)
    made = budget(tmp_path)
    running = asyncio.create_task(made.run())
    made.opened(PHONE, "a")
    async with asyncio.timeout(20):
        while not report(tmp_path).rows:
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.wait([running])


def test_nothing_counted_writes_nothing(tmp_path: Path) -> None:
    budget(tmp_path / "none").write()
    assert report(tmp_path / "none").rows == ()
    assert list(tmp_path.iterdir()) == []


def test_what_is_counted_apart_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decryption_budget, "_KINDS", 2)
    made = budget(tmp_path)
    for why in "abcd":
        made.opened(PHONE, why)
    made.opened(PHONE, "a")
    made.write()
    assert {(row.name, row.why): row.count for row in report(tmp_path).rows} == {
        ("phone", "a"): 2,
        ("phone", "b"): 1,
        ("others", "others"): 2,
    }


@pytest.mark.parametrize("damage", ["", "[]", "{", json.dumps({"rows": [{"what": "opened"}]})])
def test_a_damaged_file_counts_as_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / "inspector.json").write_text(damage)
    assert report(tmp_path).rows == ()
    made = budget(tmp_path)
    made.opened(PHONE, "a")
    made.write()
    assert report(tmp_path).total(OPENED) == 1
