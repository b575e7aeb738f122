"""Groups of a configuration whose names name nothing, each told where it was written."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from proxy.config.consistency import findings
from proxy.config.errors import dotted
from proxy.config.model import Config

SLOT = [{"start": "20:00", "end": "06:00"}]


def schedule(**more: Any) -> dict[str, Any]:
    return {"schedules": [{"name": "night", "slots": SLOT, **more}]}


@pytest.mark.parametrize(
    ("group", "key", "says"),
    [
        ({"members": [{"tags": ["child"]}, {}]}, "members[1]", "names, tags, networks or platforms"),
        ({"feeds": {"nosuch": False}}, "feeds.nosuch", "the name of a feed"),
        (schedule(feeds=["mine", "nosuch"]), "schedules[0].feeds[1]", "the name of a feed"),
        (schedule(), "schedules[0]", "what it does"),
        (schedule(block=["good.example", "a b"]), "schedules[0].block[1]", "a b"),
        (schedule(everything=True, allow=["http://"]), "schedules[0].allow[0]", "http://"),
        (
            {"schedules": [{"name": "n", "slots": [{"days": []}], "everything": True}]},
            "schedules[0].slots[0].days",
            "at least one day",
        ),
        ({"inspect": ["a b"]}, "inspect[0]", "a host such as"),
        ({"never_inspect": ["*.good.example", "a b"]}, "never_inspect[1]", "a host such as"),
        ({"allowed_encrypted_dns": ["a b"]}, "allowed_encrypted_dns[0]", "a host such as"),
        ({"members": [{"tags": ["child"]}], "feeds": {"mine": False}}, "", ""),
        (schedule(block=["a.example", "10.0.0.0/8", "b.example/c"], feeds=["mine"], categories=["unwanted"]), "", ""),
    ],
)
def test_what_does_not_fit(group: dict[str, Any], key: str, says: str) -> None:
    body = {"feeds": [{"name": "mine", "path": "x"}], "groups": {"children": group}}
    found = list(findings(Config.model_validate(body)))
    assert [dotted(path) for path, _ in found] == ([f"groups.children.{key}"] if key else [])
    assert all(says in message for _, message in found)


@pytest.mark.parametrize(
    ("name", "group", "says"),
    [("Kids!", {}, "another name"), ("default", {"members": [{"tags": ["x"]}]}, "no other group's rules fit")],
)
def test_names_of_groups(name: str, group: dict[str, Any], says: str) -> None:
    [(_, message)] = findings(Config.model_validate({"groups": {name: group}}))
    assert says in message


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"slots": [{"start": "25:00"}]}, "time of day"),
        ({"slots": [{"days": ["someday"]}]}, "mon"),
        ({"slots": []}, "at least 1"),
        ({"time_zone": "Mars/Olympus"}, "Europe/Berlin"),
        ({"time_zone": "../etc"}, "Europe/Berlin"),
    ],
)
def test_schedules_that_cannot_be(written: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Config.model_validate({"groups": {"children": schedule(everything=True, **written)}})
