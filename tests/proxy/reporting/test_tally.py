from __future__ import annotations

from pathlib import Path

import pytest

from proxy.reporting.tally import Tally, leftovers


def template(incident: str) -> dict[str, object]:
    return {"id": f"event-of-{incident}", "kind": "repeat", "incident": incident}


def fill(tally: Tally, *incidents: str) -> list[int]:
    return [tally.open(incident, template(incident)) for incident in incidents]


def test_counts_add_up_until_flushed(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", slots=4)
    assert not tally.add("a", 1)
    fill(tally, "a", "b")
    assert tally.add("a", 2)
    assert tally.add("a", 300)
    assert [(incident, event["count"]) for incident, event in tally.pending()] == [("a", 302)]
    tally.flushed("a")
    assert list(tally.pending()) == []
    tally.add("a", 5)
    (again,) = [event for _, event in tally.pending()]
    assert (again["id"], again["count"]) == ("event-of-a-302", 5)
    tally.close()
    assert (tmp_path / "t").exists()  # a count is left


def test_what_a_killed_process_counted_is_read_from_its_table(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", slots=4)
    fill(tally, "a", "b", "c")
    tally.add("a", 7)
    tally.add("b", 1)
    tally.flushed("b")
    table = (tmp_path / "t").read_bytes()
    assert [(event["incident"], event["count"], event["id"]) for event in leftovers(table)] == [
        ("a", 7, "event-of-a-0")
    ]
    assert [event for _, event in tally.pending()] == list(leftovers(table))  # the same event, by whoever makes it
    tally.flushed("a")
    tally.close()
    assert not (tmp_path / "t").exists()


def test_an_idle_incident_gives_way_without_loss(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", slots=2)
    fill(tally, "a", "b")
    tally.add("a", 3)
    assert fill(tally, "c") == [0]
    assert tally.add("a", 1)
    assert not tally.add("b", 1)
    assert tally.add("c", 1)
    tally.close()


def test_when_all_are_waiting_the_oldest_gives_way_and_its_count_is_told(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", slots=2)
    fill(tally, "a", "b")
    tally.add("a", 3)
    tally.add("b", 4)
    assert fill(tally, "c") == [3]
    assert [incident for incident, _ in tally.pending()] == ["b"]
    tally.close()


def test_a_reused_slot_starts_from_nothing(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", slots=1)
    fill(tally, "a")
    tally.add("a", 9)
    tally.flushed("a")
    fill(tally, "b")
    assert list(leftovers((tmp_path / "t").read_bytes())) == []
    tally.add("b", 1)
    assert [event["count"] for event in leftovers((tmp_path / "t").read_bytes())] == [1]
    tally.close()


def test_a_template_must_fit(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t", slots=1)
    with pytest.raises(ValueError, match="a slot holds"):
        tally.open("a", {"id": "x" * 1100})
    tally.close()


def test_torn_slots_hold_nothing() -> None:
    import struct

    torn = struct.pack("<QQH", 5, 0, 20) + b'{"id": "never finis'
    wild = struct.pack("<QQH", 5, 0, 65535)
    backwards = struct.pack("<QQH", 1, 2, 2) + b"{}"
    table = b"".join(each.ljust(1024, b"\0") for each in (torn, wild, backwards)) + b"half a slot"
    assert list(leftovers(table)) == []
