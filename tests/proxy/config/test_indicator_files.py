"""Indicators from config.yaml, files and folders: what is read, in which order, and that no mistake raises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.config import indicator_files
from proxy.config.indicator_files import IndicatorSet, read_indicators, stamp
from proxy.config.model import Config


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "rules.d" / "20.yml").write_text("- block: c.example\n")
    (tmp_path / "rules.d" / "10.yaml").write_text("indicators:\n  - block: b.example\n")
    (tmp_path / "rules.d" / ".#10.yaml").write_text("- broken: [\n")
    (tmp_path / "rules.d" / "readme.txt").write_text("- block: no.example\n")
    (tmp_path / "one.yaml").write_text("# mine\n- block: d.example\n")
    (tmp_path / "config.yaml").write_text(
        "indicators:\n  - block: a.example\nindicator_files: [rules.d, one.yaml, rules.d/10.yaml, .]\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(folder: Path) -> IndicatorSet:
    return read_indicators(Config(), folder / "config.yaml")


def test_inline_then_files_in_order_each_once(folder: Path) -> None:
    found = read(folder)
    assert found.errors == ()
    assert [(one.value, one.origin.place, one.origin.line) for one in found.indicators] == [
        ("a.example", "config.yaml", 2),
        ("b.example", "rules.d/10.yaml", 2),
        ("c.example", "rules.d/20.yml", 1),
        ("d.example", "one.yaml", 2),
    ]
    assert [file.name for file in found.files] == ["config.yaml", "10.yaml", "20.yml", "one.yaml"]
    assert found.sources == tuple(
        folder / name for name in ("config.yaml", "rules.d", "one.yaml", "rules.d/10.yaml", ".")
    )


def test_a_file_elsewhere_is_named_in_full(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "far.yaml"
    other.write_text("- block: far.example\n")
    (folder / "config.yaml").write_text(f"indicator_files: [{other}]\n")
    assert [one.origin.place for one in read(folder).indicators] == [str(other)]


def write(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (write("one.yaml", "- block: a.example\n- blok: x\n"), "one.yaml:2: [1].blok: there is no such key"),
        (write("one.yaml", "- block: [\n"), "one.yaml:2: not valid YAML"),
        (write("one.yaml", "block: a.example\n"), "one.yaml:1: block: unknown key; expected `indicators`"),
        (write("one.yaml", "indicators: {}\n"), "one.yaml:1: indicators: expected a list"),
        (write("one.yaml", "just text\n"), "one.yaml:1: expected a list of indicators"),
        (lambda folder: (folder / "one.yaml").write_bytes(b"- \xff\n"), "one.yaml:1: expected UTF-8"),
        (lambda folder: (folder / "one.yaml").unlink(), "config.yaml:3: indicator_files[1]: "),
        (write("config.yaml", "indicators: {a: 1}\n"), "config.yaml:1: indicators: expected a list"),
        (write("config.yaml", "indicator_files: a.yaml\n"), "config.yaml:1: indicator_files: expected a list"),
        (write("config.yaml", "indicator_files: [5]\n"), "config.yaml:1: indicator_files[0]: expected a path, got 5"),
        (write("config.yaml", "indicator_files: [~nobody-here/x]\n"), "config.yaml:1: indicator_files[0]: "),
        (write("config.yaml", "- block: a.example\n"), "config.yaml:1: expected keys and values"),
        (write("config.yaml", "a: [\n"), "config.yaml:2: not valid YAML"),
    ],
)
def test_a_mistake_is_a_value_with_its_place(folder: Path, change: Callable[[Path], None], says: str) -> None:
    change(folder)
    assert [str(error).startswith(says) for error in read(folder).errors] == [True]


def test_a_mistake_of_a_whole_entry_is_told_once(folder: Path) -> None:
    (folder / "one.yaml").write_text("- block: [a.example, b.example, c.example]\n  severity: bad\n")
    assert len(read(folder).errors) == 1


def test_a_broken_config_still_says_what_to_watch(folder: Path) -> None:
    (folder / "config.yaml").write_text("a: [\n")
    config = Config(indicator_files=(folder / "rules.d",))
    assert read_indicators(config, folder / "config.yaml").sources == (folder / "config.yaml", folder / "rules.d")


def test_a_folder_of_too_many_files_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indicator_files, "MAX_FILES", 1)
    assert "expected at most 1 files in a folder, found 2" in str(read(folder).errors[0])


def replace(folder: Path) -> None:
    (folder / "new").write_text("- block: x.example\n")
    (folder / "new").replace(folder / "one.yaml")


@pytest.mark.parametrize(
    "change",
    [
        write("one.yaml", "- block: longer.example\n"),
        write("rules.d/30.yaml", "[]"),
        write("rules.d/10.yaml", "[]"),
        write("config.yaml", "# now\n"),
        lambda folder: (folder / "one.yaml").unlink(),
        lambda folder: (folder / "rules.d" / "10.yaml").unlink(),
        replace,
    ],
)
def test_the_stamp_changes_with_every_save(folder: Path, change: Callable[[Path], None]) -> None:
    sources = read(folder).sources
    before = stamp(sources)
    assert stamp(sources) == before
    change(folder)
    assert stamp(sources) != before


def test_the_stamp_changes_when_a_missing_file_appears(folder: Path) -> None:
    (folder / "config.yaml").write_text("indicator_files: [later.yaml]\n")
    sources = read(folder).sources
    before = stamp(sources)
    (folder / "later.yaml").write_text("[]")
    assert stamp(sources) != before
