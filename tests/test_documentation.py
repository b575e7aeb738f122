"""The documentation cannot drift: what it says to type is parsed or run, what it links to is there, its keys exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel
from ruamel.yaml import YAML

from proxy.cli import main
from proxy.config.load import ConfigError, load_config
from proxy.config.model import Config
from proxy.emulator import Adb, attach, detach
from proxy.state import StateDir

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/README.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.M | re.S)
SECTIONS = ("Seawall", "Two commands", "emulator", "indicators", "sees, and what it cannot see")
WITHOUT_GATEWAY = {"check": 3, "indicators add": 0, "indicators lint": 0}  # command -> exit code
NOT_OURS = {"am start"}  # what a person does by adb and `seawall emulator` does not


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def fences(page: Path, language: str) -> list[str]:
    found = FENCE.findall(page.read_text())
    return [
        "".join(line.removeprefix(indent) for line in text.splitlines(True))
        for indent, kind, text in found
        if kind == language
    ]


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def typed(page: Path) -> list[list[str]]:
    """Return each command of a page's fences, as words."""
    lines = [line for text in fences(page, "sh") for line in text.replace("\\\n", " ").splitlines()]
    return [_named(words) for line in lines if (words := shlex.split(line, comments=True))]


def mentioned(page: Path) -> list[list[str]]:
    """Return each command that a page's text mentions as `code`; it need not be whole."""
    return [shlex.split(line) for line in re.findall(r"`((?:make|seawall|adb) [^`\n]+)`", prose(page))]


def _named(words: list[str]) -> list[str]:
    return ["seawall" if words[0] == ".venv/bin/seawall" else words[0], *words[1:]]


def of_program(program: str, read: Callable[[Path], list[list[str]]]) -> list[tuple[Path, list[str]]]:
    return [(page, words[1:]) for page in PAGES for words in read(page) if words[0] == program]


def shown(value: object) -> str:
    return name(value) if isinstance(value, Path) else shlex.join(value) if isinstance(value, list) else str(value)


def resolve(words: list[str]) -> tuple[str, click.Command, list[str]]:
    """Find the command that these words name; return its path, itself and the words that are left for it."""
    path, rest = [], list(words)
    command: click.Command = main
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        path.append(rest.pop(0))
        found = command.get_command(click.Context(main), path[-1])
        assert found is not None, f"there is no command `seawall {' '.join(path)}`"
        command = found
    return " ".join(path), command, rest


# --- what is typed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "words"), of_program("seawall", typed), ids=shown)
def test_what_is_to_be_typed_is_understood(page: Path, words: list[str]) -> None:
    path, command, rest = resolve(words)
    assert not isinstance(command, click.Group), f"`seawall {path}` is not a whole command"
    command.make_context(path, rest)  # raises for an unknown option, a wrong value, a missing argument


@pytest.mark.parametrize(("page", "words"), of_program("seawall", mentioned), ids=shown)
def test_what_is_mentioned_exists(page: Path, words: list[str]) -> None:
    _, command, rest = resolve(words)
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h", "--version"}
    assert {word for word in rest if word.startswith("-") and word != "-"} - known == set()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the committed configuration, for commands that read or edit it."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    return folder


def test_what_needs_no_gateway_does_what_the_readme_says(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    done = {}
    for words in (words[1:] for words in typed(ROOT / "README.md") if words[0] == "seawall"):
        path, _, _ = resolve(words)
        if path in WITHOUT_GATEWAY:
            result = CliRunner().invoke(main, words, catch_exceptions=False)
            done[path] = result.exit_code
            assert path != "check" or {"block", "phishing"} <= set(re.findall(r"\w+", result.output.lower()))
    assert done == WITHOUT_GATEWAY
    assert "tracker.example" in (checkout / "config.yaml").read_text()


def test_each_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = {words[0] for read in (typed, mentioned) for _, words in of_program("make", read)}
    assert {"run", "test"} <= named
    assert named - targets == set()


def test_addresses_and_paths_typed_by_hand_are_the_defaults() -> None:
    config, state = Config(), StateDir(Path(Config().state_dir))
    lines = typed(ROOT / "README.md")
    curl = next(words for words in lines if words[0] == "curl")
    assert curl[curl.index("-x") + 1] == f"http://{config.proxy.host}:{config.proxy.port}"
    assert curl[curl.index("--cacert") + 1] == str(state.ca_certificate)
    dig = next(words for words in lines if words[0] == "dig")
    assert dig[1:4] == [f"@{config.dns.host}", "-p", str(config.dns.port)]
    text = (ROOT / "README.md").read_text()
    assert f"SOCKS5 on {config.proxy.socks_port}" in text
    assert f"console on {config.collector.host}:{config.collector.port}" in text


class Recorder(Adb):
    """Stand for adb: one emulator is there, and what is asked of it is written down."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def call(self, *args: str) -> str:
        self.asked.append(list(args))
        return "List of devices attached\nemulator-5554\tdevice" if args == ("devices",) else ""


def test_the_adb_commands_are_those_that_the_emulator_command_issues(tmp_path: Path) -> None:
    adb, config = Recorder(), Config()
    attach(adb, None, config.proxy.port, StateDir(Path(config.state_dir)).ca_certificate, tmp_path / "record")
    detach(adb, [], tmp_path / "record")
    issued = {shlex.join(words[2:]) for words in adb.asked if words[0] == "-s" and "get" not in words}
    by_hand = {shlex.join(words[1:]) for words in typed(ROOT / "docs/emulator.md") if words[0] == "adb"}
    assert {line for line in by_hand if not any(other in line for other in NOT_OURS)} == issued
    readme = [
        words for read in (typed, mentioned) for page, words in of_program("adb", read) if page.name == "README.md"
    ]
    assert {shlex.join(words) for words in readme} <= by_hand


# --- configuration ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "text"),
    [(page, text) for page in PAGES for text in fences(page, "yaml")],
    ids=lambda value: shown(value)[:60],
)
def test_each_yaml_snippet_is_a_configuration(page: Path, text: str, tmp_path: Path) -> None:
    data = YAML(typ="safe").load(text)
    file = tmp_path / "config.yaml"
    file.write_text(text if isinstance(data, dict) else "indicators:\n" + text)
    for named in data.get("indicator_files", []) if isinstance(data, dict) else []:
        (tmp_path / named).write_text("[]") if Path(named).suffix in (".yaml", ".yml") else (tmp_path / named).mkdir()
    if "(broken)" in text.partition("\n")[0]:
        with pytest.raises(ConfigError):
            load_config(file)
        return
    loaded = load_config(file)
    assert loaded.config.model_fields_set, "nothing is set by it"
    assert "indicators:" not in text or loaded.indicators


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for key, field in model.model_fields.items():
        yield prefix + key
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{prefix}{key}.")


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "SECURITY.md"], ids=name)
def test_each_key_named_exists(page: Path) -> None:
    """Hold `inspect`, `indicator_files` or `dns.port` in the text to the model: words with `_`, or a section's name."""
    known = set(keys(Config))
    spans = set(re.findall(r"`([a-z]+(?:_[a-z]+)*(?:\.[a-z_]+)?)[:/`]", prose(page)))
    named = {span for span in spans if "_" in span or span.partition(".")[0] in Config.model_fields}
    assert named, "no key is named"
    assert named - known == set()


# --- the pages ----------------------------------------------------------------------------------------------------


def headings(page: Path) -> list[str]:
    return re.findall(r"^#{1,6} +(.+?)\s*$", prose(page), re.M)


def test_the_readme_keeps_its_order() -> None:
    found = headings(ROOT / "README.md")
    assert len(found) >= len(SECTIONS)
    assert [part for part, heading in zip(SECTIONS, found, strict=False) if part not in heading] == []


def test_the_first_thing_to_type_are_the_two_commands() -> None:
    first = fences(ROOT / "README.md", "sh")[0]
    assert [shlex.split(line, comments=True) for line in first.splitlines()] == [["make", "run"], ["make", "test"]]


LINKS = [(page, link) for page in PAGES for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", prose(page))]


@pytest.mark.parametrize(("page", "link"), LINKS, ids=shown)
def test_each_link_leads_somewhere(page: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = page if not path else page.parent / path
    assert target.exists(), f"{name(page)} links to {path}, which is not there"
    if anchor:
        slugs = {re.sub(r"[^\w\- ]", "", text).lower().replace(" ", "-") for text in headings(target)}
        assert anchor in slugs, f"{name(page)}: {path} has no heading for #{anchor}"


def test_the_changelog_has_the_headings_of_keep_a_changelog() -> None:
    lines = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("#")]
    assert lines[:2] == ["# Changelog", "## [Unreleased]"]
    release = r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d"
    kind = r"### (?:Added|Changed|Deprecated|Removed|Fixed|Security)"
    assert [line for line in lines[2:] if not re.fullmatch(f"{release}|{kind}", line)] == []
    releases = [tuple(map(int, re.findall(r"\d+", line)[:3])) for line in lines if re.fullmatch(release, line)]
    assert releases == sorted(releases, reverse=True), "the latest comes first"
