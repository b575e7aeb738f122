"""Texts before and after: what is added or removed, and that every other character stays."""

from __future__ import annotations

import pytest

from proxy.config.entries import TEXT_KEYS, entries
from proxy.config.splice import AwkwardFileError, added, removed
from proxy.config.yaml_source import Document, parse

ENTRY = {"block": "new.example"}


def document(text: str) -> Document:
    return parse(text, "f.yaml", TEXT_KEYS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "indicators:\n  - block: new.example\n"),
        ("# mine\n", "# mine\n\nindicators:\n  - block: new.example\n"),
        ("dns: {port: 0}", "dns: {port: 0}\n\nindicators:\n  - block: new.example\n"),
        ("indicators:\n", "indicators:\n  - block: new.example\n"),
        ("indicators:", "indicators:\n  - block: new.example\n"),
        ("indicators: # none yet\n  #- a\nx: 1\n", "indicators: # none yet\n  - block: new.example\n  #- a\nx: 1\n"),
        ("indicators: ~  # no\nx: 1\n", "indicators:  # no\n  - block: new.example\nx: 1\n"),
        ("indicators: []  # no\nx: 1\n", "indicators:  # no\n  - block: new.example\nx: 1\n"),
        ("indicators: []", "indicators:\n  - block: new.example\n"),
        ("[]\n", "\n- block: new.example\n"),
        ("# mine\n[] # x\n", "# mine\n # x\n- block: new.example\n"),
        ("- a.example\n", "- a.example\n- block: new.example\n"),
        ("- a.example # one", "- a.example # one\n- block: new.example\n"),
        ("  - a.example\n# end\n", "  - a.example\n  - block: new.example\n# end\n"),
        ("indicators:\n- a\nx: 1\n", "indicators:\n- a\n- block: new.example\nx: 1\n"),
        ("indicators:\n    - a: 'q'  # q\n      b: \"c\"\n\n# next\nx: 1\n",
         "indicators:\n    - a: 'q'  # q\n      b: \"c\"\n    - block: new.example\n\n# next\nx: 1\n"),
        ("- a:\n    - b\n    - c\n", "- a:\n    - b\n    - c\n- block: new.example\n"),
        ("- block: a\n  title: |\n    one\n    two\n\n# end\n",
         "- block: a\n  title: |\n    one\n    two\n- block: new.example\n\n# end\n"),
        ("- block: a\n  title:\n", "- block: a\n  title:\n- block: new.example\n"),
        ("- block: [a,\n   b]  # two\n", "- block: [a,\n   b]  # two\n- block: new.example\n"),
        ("indicators: [a, {block: b}]\n", "indicators: [a, {block: b}, {block: new.example}]\n"),
        ("indicators: [\n  a, # one\n]\n", "indicators: [\n  a, {block: new.example}, # one\n]\n"),
        ("- a\r\n- b\r\n", "- a\r\n- b\r\n- block: new.example\r\n"),
        ("---\n- a\n", "---\n- a\n- block: new.example\n"),
    ],
)  # fmt: skip
def test_adding(before: str, after: str) -> None:
    assert added(document(before), ENTRY) == after


def test_every_field_is_written_so_that_it_reads_the_same() -> None:
    entry = {
        "warn": "*.x.example", "title": "404", "description": "a: b\nc # d", "generate_alert": False,
        "device_groups": ["kids", "on"], "expiration": "2030-01-01", "recommended_actions": "größer \u2028 'quoted'",
    }  # fmt: skip
    for before in ("- a\n", "[a]"):
        assert document(added(document(before), entry)).data == ["a", entry]


@pytest.mark.parametrize("text", ["{}", "{dns: {port: 0}}", "{indicators: }", "~"])
def test_a_file_in_one_line_is_left_to_a_person(text: str) -> None:
    with pytest.raises(AwkwardFileError, match="written in one line"):
        added(document(text), ENTRY)


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("- a\n- b\n- c\n", "b", "- a\n- c\n"),
        ("- a\n", "a", ""),
        ("# top\n- a # x\n# about b\n- b # y\n# about c\n- c", "b", "# top\n- a # x\n# about b\n# about c\n- c"),
        ("# top\n\n- a\n\n# end\n", "a", "# top\n\n\n# end\n"),
        ("indicators:\n  - a\nx: 1\n", "a", "indicators:\nx: 1\n"),
        ("indicators:\n- a\n- b\nx: 1\n", "b", "indicators:\n- a\nx: 1\n"),
        ("- block: a\n  title: |\n    one\n\n  # inside\n  severity: low # s\n\n# end\n- b\n", "a", "\n# end\n- b\n"),
        ("-\n  block: a\n- # note\n  block: b\n- c\n", "b", "-\n  block: a\n- c\n"),
        ("-\n  block: a\n- b\n", "a", "- b\n"),
        ("- block: a\n  title:\n- b\n", "a", "- b\n"),
        ("- block: [a, b, c]  # three\n", "a", "- block: [b, c]  # three\n"),
        ("- block: [a, b, c]  # three\n", "b", "- block: [a, c]  # three\n"),
        ("- block: [a, b, 'c']  # three\n", "c", "- block: [a, b]  # three\n"),
        ("- block: [a, ]\n- b\n", "a", "- b\n"),
        ("- block: [\n    a, # about a\n    b, # about b\n    c # about c\n  ]\n", "b",
         "- block: [\n    a, # about a\n     # about b\n    c # about c\n  ]\n"),
        ("- block: [\n    a, # about a\n    b # about b\n  ]\n", "b",
         "- block: [\n    a, # about a\n     # about b\n  ]\n"),
        ("- block:\n    - a # x\n    # about b\n    - b\n  title: t\n", "a",
         "- block:\n    # about b\n    - b\n  title: t\n"),
        ("- block:\n    - a\n  title: t\n- b\n", "a", "- b\n"),
        ("indicators: [a, b]\n", "a", "indicators: [b]\n"),
        ("indicators: [{block: a}]\n", "a", "indicators: []\n"),
        ("- a\r\n- b\r\n- c\r\n", "b", "- a\r\n- c\r\n"),
        ("- 'a'\n- \"b\"\n", "b", "- 'a'\n"),
    ],
)  # fmt: skip
def test_removing(before: str, value: str, after: str) -> None:
    def named(content: object) -> bool:
        return content == value or (isinstance(content, dict) and content.get("block") == value)

    (entry,) = (entry for entry in entries(document(before)) if named(entry.content))
    assert removed(entry) == after
    assert [one.content for one in entries(document(after))] == [
        one.content for one in entries(document(before)) if not named(one.content)
    ]


def test_a_list_that_stands_elsewhere_is_left_to_a_person() -> None:
    (entry, _) = entries(document("- block: a\n- b\n"))
    foreign = type(entry)(document("x: 1\n"), entry.path, entry.content)
    with pytest.raises(AwkwardFileError):
        removed(foreign)
