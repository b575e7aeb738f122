from __future__ import annotations

from pathlib import Path

import pytest

from proxy.reporting.segment import read_chunk
from proxy.reporting.spool import SUFFIX, Spool


def stored(folder: Path) -> list[bytes]:
    found: list[bytes] = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open("rb") as file:
            found += read_chunk(file.fileno(), 0, 10**9).payloads
    return found


def test_segments_follow_one_another_without_a_gap(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "resolver", segment_size=1024)
    written = [f"event {number:04d}".encode() * 5 for number in range(100)]
    assert all(spool.append([payload], first_sightings=True) for payload in written)
    assert stored(tmp_path) == written
    assert len(list(tmp_path.glob("resolver-*"))) > 5
    spool.close()
    assert stored(tmp_path) == written


def test_the_next_segment_is_made_ahead(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "resolver", segment_size=1024)
    assert not spool.needs_spare
    spool.append([b"x"], first_sightings=True)
    assert spool.needs_spare
    spool.prepare()
    assert not spool.needs_spare
    spool.close()
    assert len(list(tmp_path.iterdir())) == 1  # the spare is gone, the used one stays


def test_without_room_only_first_sightings_use_what_is_left(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "resolver", segment_size=1024, max_folder=1024)
    assert spool.append([b"first"], first_sightings=True)
    spool.prepare()
    assert spool.scarce
    assert not spool.append([b"repeat"], first_sightings=False)
    assert spool.append([b"second"], first_sightings=True)
    while spool.append([b"x" * 200], first_sightings=True):
        pass
    assert stored(tmp_path)[:2] == [b"first", b"second"]
    assert not spool.append([b"y" * 200], first_sightings=True)


def test_counts_leave_half_of_the_room_to_first_sightings(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "resolver", segment_size=1024, max_folder=16 * 1024)
    while spool.append([b"repeat" * 30], first_sightings=False):
        spool.prepare()
    assert (spool.tight, spool.scarce, spool.needs_spare) == (True, False, True)
    assert sum(payload.startswith(b"repeat") for payload in stored(tmp_path)) > 20
    for number in range(20):
        assert spool.append([b"first %d" % number * 20], first_sightings=True)
    assert not spool.append([b"repeat"], first_sightings=False)
    for path in sorted(tmp_path.glob(f"*{SUFFIX}"))[:-4]:
        path.unlink()  # delivered
    spool.prepare()
    assert spool.append([b"repeat"], first_sightings=False)


def test_room_that_comes_back_is_used(tmp_path: Path) -> None:
    blocker = tmp_path / f"other{SUFFIX}"
    blocker.write_bytes(bytes(4096))
    spool = Spool(tmp_path, "resolver", segment_size=1024, max_folder=4096)
    assert spool.scarce
    assert not spool.append([b"early"], first_sightings=True)
    blocker.unlink()
    spool.prepare()
    assert not spool.scarce
    assert spool.append([b"late"], first_sightings=False)
    assert stored(tmp_path) == [b"late"]


def test_a_folder_that_went_away_raises_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "missing", "resolver")
    assert spool.scarce
    assert not spool.append([b"x"], first_sightings=True)
    spool.close()


def test_a_record_larger_than_half_a_segment_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "resolver", segment_size=1024)
    assert not spool.append([b"x" * 600], first_sightings=True)
    assert spool.append([b"x" * 500], first_sightings=True)
    spool.close()


@pytest.mark.parametrize("role", ["resolver", "inspector"])
def test_names_carry_role_process_and_sequence(tmp_path: Path, role: str) -> None:
    import os

    spool = Spool(tmp_path, role)
    (made,) = tmp_path.iterdir()
    assert made.name.startswith(f"{role}-{os.getpid()}-")
    assert made.name.endswith(f"-00000001{SUFFIX}")
    spool.close()
