"""Adding and removing indicators in a file: what changes is what was meant, or nothing does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.config import edit as editing
from proxy.config.edit import add, remove
from proxy.config.entries import Entry
from proxy.config.errors import ConfigError
from proxy.config.saved_file import EditError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "f.yaml"


def names(value: str) -> object:
    def is_meant(entry: Entry) -> bool:
        content = entry.content
        return value in ((content,) if isinstance(content, str) else dict(content).values())  # type: ignore[call-overload]

    return is_meant


def test_an_indicator_is_added_with_its_line(file: Path) -> None:
    file.write_text("# mine\n- a.example  # one\n\n# end\n")
    assert add(file, {"block": "b.example", "title": "B"}) == 3
    assert file.read_text() == "# mine\n- a.example  # one\n- block: b.example\n  title: B\n\n# end\n"


def test_every_occurrence_is_removed(file: Path) -> None:
    file.write_text("- a.example\n- block: [b.example, a.example]\n# end\n- warn: a.example\n")
    assert remove(file, names("a.example")) == [1, 2, 4]  # type: ignore[arg-type]
    assert file.read_text() == "- block: [b.example]\n# end\n"


def test_nothing_meant_changes_nothing(file: Path) -> None:
    file.write_text("- a.example\n")
    assert remove(file, names("b.example")) == []  # type: ignore[arg-type]
    assert file.read_text() == "- a.example\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}\n", "cannot be edited by a program: the file is written in one line"),
        ("x: &all [a.example]\nindicators: *all\n", "cannot edit safely"),
        ("indicators: &all [a.example]\nx: *all\n", "cannot edit safely"),
        ("- &a a.example\n- *a\n", "cannot edit safely"),
    ],
)
def test_an_awkward_file_is_left_to_a_person(file: Path, text: str, says: str) -> None:
    file.write_text(text)
    with pytest.raises(EditError, match=says):
        add(file, {"block": "b.example"}) if "- &a" not in text else remove(file, names("a.example"))  # type: ignore[arg-type]
    assert file.read_text() == text


@pytest.mark.parametrize("text", ["- a: [\n", "- a\n- b: 1\n  b: 2\n", "indicators: {a: 1}\n"])
def test_a_broken_file_is_left_alone(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError):
        add(file, {"block": "b.example"})
    assert file.read_text() == text


def test_a_splice_that_says_something_else_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("x: 1\nindicators: [a.example]\n")
    for wrong in ("x: 2\nindicators: [a.example, {block: b.example}]\n", "indicators: [", "x: 1\nindicators: []\n"):
        monkeypatch.setattr(editing, "added", lambda *_, wrong=wrong: wrong)
        with pytest.raises(EditError, match="cannot edit safely"):
            add(file, {"block": "b.example"})
    assert file.read_text() == "x: 1\nindicators: [a.example]\n"


ITEM = st.sampled_from(
    [
        "- a.example\n",
        "- block: b.example  # b\n",
        "# about c\n- warn: c.example\n  title: 'C'\n",
        "- block:\n    - d.example\n    # about e\n    - e.example\n",
        "- {allow: f.example, title: \"F\"}\n",
        "- allow: [g.example,\n          h.example]\n",
        "- block: i.example\n  description: |\n    one\n\n    two\n",
        "\n# a gap\n\n",
        "-\n  audit: j.example\n",
    ]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(items=st.lists(ITEM, max_size=8), head=st.sampled_from(["", "# head\n", "x: 1\nindicators:\n", "indicators:\n"]),
       tail=st.sampled_from(["", "# end\n", "\n# end\n"]), indent=st.sampled_from(["", "  ", "    "]))  # fmt: skip
def test_adding_and_removing_gives_the_file_back(
    file: Path, items: list[str], head: str, tail: str, indent: str
) -> None:
    """What is added and removed again leaves the text as it was, but for a key `indicators` made for it."""
    body = "".join(
        "".join(f"{indent}{line}" if line.strip() else line for line in item.splitlines(True)) for item in items
    )
    before = head + body + tail
    file.write_text(before)
    line = add(file, {"block": "new.example", "title": "N"})
    assert file.read_text().splitlines()[line - 1].strip() in ("- block: new.example", "{block: new.example, title: N}")
    assert remove(file, names("new.example")) == [line]  # type: ignore[arg-type]
    made = (
        ""
        if "indicators" in head or any(item.lstrip().startswith(("-", "# about")) for item in items)
        else "indicators:\n"
    )
    assert file.read_text() == before + ("\n" if made and before.strip() else "") + made
