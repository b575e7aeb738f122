"""docs/indicators.md cannot drift: every YAML block is read, every table and every command of it is tried."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from indicators.fields import KEYS
from indicators.words import Action, Category, IndicatorType, Severity
from proxy.checking.checker import make_checker
from proxy.cli import main
from proxy.config.errors import ConfigError
from proxy.config.load import load_config

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "indicators.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$|^\| target \| says \|\n\| --- \| --- \|\n((?:\|[^\n]*\n)+)", re.M | re.S)


@dataclass
class Example:
    """Hold the files of one section's example and what is said of them."""

    files: dict[str, str] = field(default_factory=dict)
    says: list[tuple[str, str]] = field(default_factory=list)


def examples() -> Iterator[Example]:
    """Yield one example for each `config.yaml`; files and the table that follow belong to it."""
    example = Example()
    for language, text, table in BLOCK.findall(PAGE):
        if language == "yaml":
            name = text.partition("\n")[0].removeprefix("# ")
            if name == "config.yaml" and example.files:
                yield example
                example = Example()
            if "broken" not in name:
                example.files[name] = text
        elif table:
            example.says += [(row.split("|")[1].strip(), row.split("|")[2].strip()) for row in table.splitlines()]
    yield example


EXAMPLES = list(examples())


def written(folder: Path, example: Example) -> Path:
    for name, text in example.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder / "config.yaml"


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_says_what_its_table_says(tmp_path: Path, example: Example) -> None:
    loaded = load_config(written(tmp_path, example))
    assert loaded.indicators
    checker = make_checker(loaded, lambda: datetime(2027, 1, 1, tzinfo=UTC))
    assert [(target, str(checker.verdict(target).action)) for target, _ in example.says] == example.says


def test_the_page_has_examples_and_tables() -> None:
    assert len(EXAMPLES) >= 6
    assert sum(bool(example.says) for example in EXAMPLES) >= 5


def test_every_field_and_word_is_named() -> None:
    complete = PAGE.partition("## Every field")[2].partition("The same fields")[0]
    for name in ("value", "type", "action", *KEYS):
        assert f" {name}: " in complete, f"{name} is missing from *Every field*"
    for words in (Action, Category, IndicatorType, Severity):
        assert all(re.search(rf"\b{word}\b", complete) for word in words)


def test_mistakes_are_told_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    broken, shown = re.findall(r"^```(?:yaml|text)\n(.*?)^```$", PAGE.partition("## Mistakes")[2], re.M | re.S)
    (tmp_path / "config.yaml").write_text(broken)
    with pytest.raises(ConfigError) as caught:
        load_config("config.yaml")
    assert f"{caught.value}\n" == shown


def test_the_commands_print_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("# mine\nindicators:\n")
    (session,) = re.findall(r"^```console\n(.*?)^```$", PAGE, re.M | re.S)
    for command, shown in re.findall(r"^\$ seawall (.*)\n((?:[^$].*\n)*)", session, re.M):
        result = CliRunner().invoke(main, shlex.split(command))
        assert result.exit_code == (3 if command.startswith("check") else 0), result.output
        assert shown in ("", result.stdout)
