"""Entries are found in each form of file, one for each value, with the line that an editor shows."""

from __future__ import annotations

import pytest

from indicators.rules import RuleError
from proxy.config.entries import TEXT_KEYS, entries, list_at
from proxy.config.errors import ConfigError
from proxy.config.yaml_source import Document, parse


def document(text: str) -> Document:
    return parse(text, "f.yaml", TEXT_KEYS)


FORMS = """\
- evil.example
- block: a.example
- warn:
    - b.example
    - c.example
  title: Two
- value: [d.example, e.example]
  action: allow
"""


@pytest.mark.parametrize("indent", ["", "  "])
def test_each_value_has_its_line(indent: str) -> None:
    lines = "".join(f"{indent}{line}\n" for line in FORMS.splitlines())
    text = f"indicators:\n{lines}" if indent else f"#\n{lines}"
    found = [one for entry in entries(document(text)) for one in entry.indicators("f.yaml")]
    assert [(one.action, one.value, one.origin.line) for one in found] == [
        ("block", "evil.example", 2),
        ("block", "a.example", 3),
        ("warn", "b.example", 5),
        ("warn", "c.example", 6),
        ("allow", "d.example", 8),
        ("allow", "e.example", 8),
    ]
    assert [one.title for one in found] == ["", "", "Two", "Two", "", ""]
    assert {(one.origin.source, one.origin.custom, one.origin.place) for one in found} == {("custom", True, "f.yaml")}


def test_numbers_are_values_as_they_are_written() -> None:
    (entry,) = entries(document(f"- block: {'1' * 32}\n"))
    (one,) = entry.indicators("f.yaml")
    assert (one.type, one.value) == ("md5", "1" * 32)


@pytest.mark.parametrize("text", ["", "# nothing\n", "indicators:\n", "[]", "indicators: []"])
def test_an_empty_file_has_none(text: str) -> None:
    assert list(entries(document(text))) == []


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("- block: [a.example, 'b c']", 1, "[0].block[1]", "not a host name"),
        ("- block:\n  - a.example\n  - 'b c'\n", 3, "[0].block[1]", "not a host name"),
        ("- block: 'b c'\n", 1, "[0].block", "not a host name"),
        ("- a.example\n- block: b.example\n  severity: hgh\n", 3, "[1].severity", "did you mean `high`?"),
        ("- block: b.example\n  device_groups:\n    - a\n    - ''\n", 4, "[0].device_groups[1]", "device group"),
        ("- blok: b.example\n", 1, "[0].blok", "did you mean `block`?"),
        ("- block: []\n", 1, "[0].block", "expected 1 to"),
        ("- action: block\n", 1, "[0]", "expected a value"),
        ("- 5\n", 1, "[0]", "expected an indicator such as"),
        ("- [a.example]\n", 1, "[0]", "expected an indicator such as"),
        ("-\n", 1, "[0]", "expected an indicator such as"),
        ("- block: {a: b}\n", 1, "[0].block", "as text (in quotes)"),
    ],
)
def test_a_mistake_names_line_and_key(text: str, line: int, key: str, says: str) -> None:
    *_, entry = entries(document(text))
    with pytest.raises(RuleError) as caught:
        entry.indicators("f.yaml")
    problem = entry.problem(caught.value)
    assert (problem.line, problem.key) == (line, key)
    assert says in problem.message


def test_anything_but_a_list_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"f\.yaml:2: indicators: expected a list"):
        list(entries(document("a: 1\nindicators: {block: a.example}\n")))
    with pytest.raises(ConfigError, match=r"f\.yaml:1: indicator_files: expected a list"):
        list_at(document("indicator_files: x.yaml\n"), ("indicator_files",))
