from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.reporting.segment import SegmentWriter
from proxy.reporting.spool import SUFFIX
from proxy.reporting.tail import CURSOR, SpoolFolder
from proxy.reporting.tally import Tally


def segment(folder: Path, name: str, *payloads: bytes) -> SegmentWriter:
    writer = SegmentWriter(folder / f"{name}{SUFFIX}", 4096)
    for payload in payloads:
        writer.append([payload])
    return writer


def names(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob(f"*{SUFFIX}")}


def take_all(spools: SpoolFolder) -> list[bytes]:
    found: list[bytes] = []
    while (batch := spools.take(100)).payloads:
        found += batch.payloads
        spools.acknowledge(batch)
    return found


def test_living_and_dead_spools_are_read_and_only_finished_ones_removed(tmp_path: Path) -> None:
    living = segment(tmp_path, "living", b"l1")
    segment(tmp_path, "closed", b"c1", b"c2").close()
    segment(tmp_path, "killed", b"k1").close(ended=False)
    spools = SpoolFolder(tmp_path)
    assert sorted(take_all(spools)) == [b"c1", b"c2", b"k1", b"l1"]
    assert take_all(spools) == []
    assert names(tmp_path) == {"living"}
    living.append([b"l2"])
    assert take_all(spools) == [b"l2"]
    assert spools.waiting_bytes == 4096
    living.close()
    assert take_all(spools) == []
    assert names(tmp_path) == set()
    spools.close()


def test_nothing_is_removed_or_passed_over_before_it_is_acknowledged(tmp_path: Path) -> None:
    segment(tmp_path, "a", b"one", b"two").close()
    spools = SpoolFolder(tmp_path)
    first = spools.take(1)
    assert first.payloads == (b"one",) == spools.take(1).payloads
    spools.acknowledge(first)
    assert spools.take(1).payloads == (b"two",)
    again = SpoolFolder(tmp_path)  # after a crash
    assert take_all(again) == [b"two"]
    again.close()
    spools.close()


@pytest.mark.parametrize("cursor", ["", "{", "[]", '{"offsets": 3}', '{"offsets": {"a.segment": "x"}}'])
def test_a_damaged_cursor_means_delivering_again(tmp_path: Path, cursor: str) -> None:
    segment(tmp_path, "a", b"one").close()
    (tmp_path / CURSOR).write_text(cursor)
    spools = SpoolFolder(tmp_path)
    assert take_all(spools) == [b"one"]
    assert json.loads((tmp_path / CURSOR).read_text()) == {"offsets": {f"a{SUFFIX}": 27}}
    spools.close()


def test_a_torn_tail_of_a_dead_process_is_passed_over(tmp_path: Path) -> None:
    writer = segment(tmp_path, "killed", b"whole")
    writer._map[writer._at : writer._at + 9] = struct.pack("<II", 20, 1) + b"h"
    spools = SpoolFolder(tmp_path)
    assert take_all(spools) == [b"whole"]
    assert names(tmp_path) == {"killed"}  # its writer might be at it
    writer.close(ended=False)
    assert take_all(spools) == []
    assert names(tmp_path) == set()
    spools.close()


def test_counts_of_a_dead_process_come_after_its_events(tmp_path: Path) -> None:
    segment(tmp_path, "killed", b"event").close(ended=False)
    tally = Tally(tmp_path / "killed.tally", rows=4)
    tally.open("incident", b'{"kind":"repeat"}')
    tally.add("incident", 3)
    spools = SpoolFolder(tmp_path)
    assert take_all(spools) == [b"event"]  # its writer lives: it will flush itself
    tally._map.close()
    os.close(tally._handle)
    (recovered,) = take_all(spools)
    body = json.loads(recovered)
    assert (body["id"], body["count"]) == ("incident-1-0", 3)
    assert body["time"].startswith("20")
    assert not (tmp_path / "killed.tally").exists()
    spools.close()


def test_a_segment_removed_by_hand_is_forgotten(tmp_path: Path) -> None:
    writer = segment(tmp_path, "a", b"one")
    spools = SpoolFolder(tmp_path)
    batch = spools.take(100)
    writer.path.unlink()
    spools.acknowledge(batch)
    assert spools.take(100).payloads == ()
    assert spools._offsets == {}
    writer.close()
    spools.close()


def test_drafts_of_a_killed_process_are_cleared(tmp_path: Path) -> None:
    (tmp_path / ".x.draft").write_bytes(b"")
    SpoolFolder(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_a_cursor_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    writer = segment(tmp_path, "a", b"one")
    (tmp_path / "cursor.draft").mkdir()
    spools = SpoolFolder(tmp_path)
    assert take_all(spools) == [b"one"]
    writer.append([b"two"])
    assert take_all(spools) == [b"two"]
    writer.close()
    spools.close()


def test_what_a_killed_process_was_making_is_removed_and_the_living_keep_theirs(tmp_path: Path) -> None:
    spools = SpoolFolder(tmp_path)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    kept = {f".resolver-1-{os.getpid()}-0123abcd.tally.draft", ".of somebody else.draft", ".init-1-0123abcd.draft"}
    gone = {f".resolver-1-{dead.pid}-0123abcd.tally.draft", f".front-{dead.pid}-0123abcd-00000004.segment.draft"}
    for name in kept | gone:
        (tmp_path / name).touch()
    assert take_all(spools) == []
    assert {path.name for path in tmp_path.iterdir()} - {"cursor.json"} == kept
    spools.close()
