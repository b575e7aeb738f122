from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from proxy.reporting.tally import Tally, leftovers

PHONE, TABLET = b'{"kind":"repeat","device":{"id":"phone"}}', b'{"kind":"repeat","device":{"id":"tablet"}}'


def fill(tally: Tally, *incidents: str, template: bytes = PHONE) -> list[int]:
    return [tally.open(incident, template) for incident in incidents]


def told(tally: Tally, limit: int = 100) -> list[tuple[str, int]]:
    return [(waiting.incident, waiting.more) for waiting in tally.pending(limit)]


def test_counts_add_up_until_flushed(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", rows=4)
    assert not tally.add("a", 1)
    fill(tally, "a", "b")
    assert tally.add("a", 2)
    assert tally.add("a", 300)
    assert told(tally) == [("a", 302)]
    tally.flushed("a")
    assert told(tally) == []
    tally.add("a", 5)
    (again,) = tally.pending(10)
    assert (again.id, again.more, again.template) == ("a-1-302", 5, PHONE)
    tally.close()
    assert (tmp_path / "t").exists()  # a count is left


def test_what_a_killed_process_counted_is_read_from_its_table(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", rows=4)
    fill(tally, "a", "b", "c")
    tally.add("a", 7)
    tally.add("b", 1)
    tally.flushed("b")
    (found,) = leftovers((tmp_path / "t").read_bytes())
    assert found == {**json.loads(PHONE), "incident": "a", "count": 7, "id": "a-1-0"}
    (waiting,) = tally.pending(10)
    assert (waiting.id, waiting.more) == (found["id"], found["count"])  # the same event, by whoever makes it
    tally.flushed("a")
    tally.close()
    assert not (tmp_path / "t").exists()


def test_an_idle_incident_gives_way_without_loss(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", rows=2)
    fill(tally, "a", "b")
    tally.add("a", 3)
    assert fill(tally, "c") == [0]
    assert tally.add("a", 1)
    assert not tally.add("b", 1)
    assert tally.add("c", 1)
    tally.close()


def test_when_all_are_waiting_the_oldest_gives_way_and_its_count_is_told(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", rows=2)
    fill(tally, "a", "b")
    tally.add("a", 3)
    tally.add("b", 4)
    assert fill(tally, "c") == [3]
    assert told(tally) == [("b", 4)]
    tally.close()


def test_a_hundred_thousand_incidents_lose_nothing(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", rows=1 << 17)
    for number in range(100_000):
        assert tally.open(str(number), PHONE) == 0
        tally.add(str(number), number % 7 + 1)
    counted: dict[str, int] = {}
    while waiting := tally.pending(4096):
        assert [each.incident for each in waiting] == [str(len(counted) + at) for at in range(len(waiting))]
        for each in waiting:
            counted[each.incident] = each.more
            tally.flushed(each.incident)
    assert counted == {str(number): number % 7 + 1 for number in range(100_000)}
    tally.close()


def test_a_row_that_was_used_before_starts_from_nothing(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", rows=1)
    fill(tally, "a")
    tally.add("a", 9)
    tally.flushed("a")
    fill(tally, "b", template=TABLET)
    assert list(leftovers((tmp_path / "t").read_bytes())) == []
    tally.add("b", 1)
    (found,) = leftovers((tmp_path / "t").read_bytes())
    assert (found["count"], found["device"]["id"]) == (1, "tablet")
    tally.close()


def test_an_incident_that_comes_back_never_takes_the_id_of_an_event_told_before(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", rows=1)
    ids = []
    for incident in ("a", "b", "a"):
        fill(tally, incident)
        tally.add(incident, 1)
        ids += [waiting.id for waiting in tally.pending(1)]
        tally.flushed(incident)
    assert len(set(ids)) == 3
    tally.close()


def test_more_devices_than_there_is_room_for_start_the_table_anew(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", rows=8, templates=2)
    for number in range(5):
        tally.open(f"i{number}", b'{"device":%d}' % number)
    tally.add("i4", 2)
    assert not tally.add("i3", 1)
    assert [json.loads(waiting.template)["device"] for waiting in tally.pending(9)] == [4]
    tally.open("i5", b'{"device":5}')
    assert tally.open("i6", b'{"device":6}') == 2  # what waited is told as lost
    tally.close()


@pytest.mark.parametrize(("incident", "template"), [("a", b"x" * 1100), ("a" * 27, b"{}")], ids=["template", "name"])
def test_what_does_not_fit_is_refused(tmp_path: Path, incident: str, template: bytes) -> None:
    tally = Tally(tmp_path / "t", rows=1)
    with pytest.raises(ValueError, match="there is room for"):
        tally.open(incident, template)
    tally.close()


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"half a head",
        struct.pack("<16sII24x", b"something else", 1, 1) + bytes(48 + 1024),
        struct.pack("<16sII24x", b"seawall-tally-2\n", 100, 1) + bytes(48),
        struct.pack("<16sII24xQQ26sIH", b"seawall-tally-2\n", 1, 1, 5, 0, b"a", 1, 0) + b"\x05\x00torn!" + bytes(1017),
        struct.pack("<16sII24xQQ26sIH", b"seawall-tally-2\n", 1, 1, 5, 0, b"a", 1, 0) + b"\x02\x00[]" + bytes(1020),
        struct.pack("<16sII24xQQ26sIH", b"seawall-tally-2\n", 1, 1, 5, 0, b"a", 1, 999) + bytes(1024),
        struct.pack("<16sII24xQQ26sIH", b"seawall-tally-2\n", 1, 1, 1, 2, b"a", 1, 0) + b"\x02\x00{}" + bytes(1020),
    ],
    ids=["empty", "short", "foreign", "cut", "torn template", "no object", "wild template", "backwards"],
)
def test_a_damaged_table_holds_nothing(table: bytes) -> None:
    assert list(leftovers(table)) == []
