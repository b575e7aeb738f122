"""Read custom indicators: inline in `config.yaml`, and in the files and folders that it names.

An indicator file is a list, or the one key `indicators:` with a list. What an entry means is `indicators.rules`' part;
here every entry gets its file and line, and every mistake too. Bad content is a value here, never an exception.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from indicators.indicator import Indicator
from indicators.rules import RuleError
from proxy.config.entries import TEXT_KEYS, entries, list_at
from proxy.config.errors import ConfigError, Problem
from proxy.config.model import Config
from proxy.config.source_file import located, read_text, shown
from proxy.config.yaml_source import Document, parse
from proxy.file_stamp import stamp_of

MAX_FILES = 1000  # in one folder
_SUFFIXES = frozenset((".yaml", ".yml"))


@dataclass(frozen=True, slots=True)
class IndicatorSet:
    """Hold what was read. With `errors` the set is incomplete: the caller keeps the last good one.

    `files` were read; `sources` are the files and folders to watch, missing ones included.
    """

    indicators: tuple[Indicator, ...] = ()
    errors: tuple[Problem, ...] = ()
    files: tuple[Path, ...] = ()
    sources: tuple[Path, ...] = ()


def read_indicators(config: Config, path: Path) -> IndicatorSet:
    """Read all custom indicators anew, from `path` (config.yaml) and what it names. Never raises for bad content."""
    try:
        document = parse(read_text(path), shown(path), TEXT_KEYS)
    except ConfigError as error:
        return IndicatorSet(errors=error.problems, sources=(path, *config.indicator_files))
    return collect(document, path)


def collect(document: Document, path: Path) -> IndicatorSet:
    """Read the custom indicators of a `config.yaml` already parsed."""
    if not isinstance(document.data, dict | None):
        return IndicatorSet(errors=(document.problem((), "expected keys and values (`key: value`)"),), sources=(path,))
    indicators, errors = indicators_of(document, path.name)
    files, sources, missing = named_files(document, path)
    found = _read_all(files, lambda file: _place(file, path.parent))
    return IndicatorSet(
        (*indicators, *found.indicators), (*errors, *missing, *found.errors), (path, *files), (path, *sources)
    )


def read_alone(files: Sequence[Path]) -> IndicatorSet:
    """Read indicator files by themselves, without a configuration. Never raises for bad content."""
    return _read_all(files, shown)


def _read_all(files: Sequence[Path], name: Callable[[Path], str]) -> IndicatorSet:
    indicators: list[Indicator] = []
    errors: list[Problem] = []
    for file in files:
        try:
            found, wrong = indicators_of(read_file(file), name(file))
        except ConfigError as error:
            found, wrong = [], list(error.problems)
        indicators += found
        errors += wrong
    return IndicatorSet(tuple(indicators), tuple(errors), tuple(files))


def read_file(path: Path) -> Document:
    """Read one indicator file. Raises ConfigError."""
    document = parse(read_text(path), shown(path), TEXT_KEYS)
    if isinstance(document.data, dict):
        unknown = [key for key in document.data if key != "indicators"]
        if unknown:
            raise ConfigError(document.problem((key,), "unknown key; expected `indicators`") for key in unknown)
    elif document.data is not None and not isinstance(document.data, list):
        raise ConfigError([document.problem((), "expected a list of indicators (`- block: evil.example`)")])
    return document


def indicators_of(document: Document, place: str) -> tuple[list[Indicator], list[Problem]]:
    """Return the indicators of one file, each with its place and line, and what is wrong with the others."""
    indicators: list[Indicator] = []
    errors: list[Problem] = []
    try:
        for entry in entries(document):
            try:
                indicators += entry.indicators(place)
            except RuleError as error:
                errors.append(entry.problem(error))
    except ConfigError as error:
        errors += error.problems
    return indicators, list(dict.fromkeys(errors))


def named_files(document: Document, path: Path) -> tuple[list[Path], list[Path], list[Problem]]:
    """Return the indicator files that a `config.yaml` names, what to watch for them, and what is missing.

    A folder stands for its `*.yaml` and `*.yml` in the order of their names, without hidden ones. No file is read
    twice, and `config.yaml` itself is never one of them.
    """
    files: dict[Path, Path] = {}
    sources: list[Path] = []
    errors: list[Problem] = []
    try:
        names = list_at(document, ("indicator_files",))
    except ConfigError as error:
        return [], [], list(error.problems)
    for index, name in enumerate(names):
        if not isinstance(name, str):
            errors.append(document.problem(("indicator_files", index), f"expected a path, got {name!r:.60}"))
            continue
        source = located(Path(name), path.parent)
        sources.append(source)
        try:
            files |= {file.resolve(): file for file in _files_in(source)}
        except OSError as error:
            errors.append(document.problem(("indicator_files", index), f"{source}: {error.strerror or error}"))
    files.pop(path.resolve(), None)
    return list(files.values()), sources, errors


def _files_in(source: Path) -> list[Path]:
    if not stat.S_ISDIR(source.stat().st_mode):
        return [source]
    found = sorted(file for file in source.iterdir() if _is_indicator_file(file))
    if len(found) > MAX_FILES:
        raise OSError(f"expected at most {MAX_FILES} files in a folder, found {len(found)}")
    return found


def is_in_folder(path: Path, sources: Iterable[Path]) -> bool:
    """Say whether a file, which need not exist, would be read because its folder is one of the sources."""
    folders = [source.resolve() for source in sources if source.is_dir()]
    return path.parent.resolve() in folders and _is_indicator_file(path)


def _is_indicator_file(path: Path) -> bool:
    return path.suffix in _SUFFIXES and not path.name.startswith(".")


def stamp(sources: Iterable[Path]) -> Hashable:
    """Return a value that changes whenever a file of `sources`, or one in a folder of them, is saved or replaced."""
    return tuple((source, _state(source), *(_state(file) for file in _listing(source))) for source in sources)


def _listing(source: Path) -> list[Path]:
    try:
        return _files_in(source)
    except OSError:
        return []


def _state(file: Path) -> Hashable:
    stamp = stamp_of(file)
    return (file.name, stamp) if stamp else None


def _place(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
