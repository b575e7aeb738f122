"""Add and remove indicators in the YAML files, so that a person finds the rest of the file as it was.

Each change is made to the text (`splice.py`), read again, and written only when it says exactly what was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from proxy.config.entries import TEXT_KEYS, Entry, entries
from proxy.config.saved_file import EditError, change
from proxy.config.source_file import shown
from proxy.config.splice import AwkwardFileError, added, removed
from proxy.config.yaml_source import Document, parse


def add(path: Path, entry: Mapping[str, object]) -> int:
    """Append one entry to a file's list and return its line.

    The entry must be valid, with one value. Raises EditError when the file cannot be edited safely, and ConfigError
    when it is not valid YAML as it stands; nothing is changed then.
    """
    return add_all(path, [entry])[0]


def add_all(path: Path, new: Sequence[Mapping[str, object]]) -> Sequence[int]:
    """Append entries to a file's list, all or none, and return their lines; raises as `add` does."""
    lines: list[int] = []

    def edit(text: str) -> str:
        document = _parse(text, path)
        after = _spliced(path, lambda: added(document, *new))
        found = _checked(path, document, after, [*_contents(document), *map(dict, new)])
        lines.extend(found.line(one.path) for one in list(entries(found))[-len(new) :])
        return after

    if new:
        change(path, edit)
    return lines


def remove(path: Path, is_meant: Callable[[Entry], bool]) -> Sequence[int]:
    """Remove every value that is meant and return the lines on which they stood; raises as `add` does."""
    lines: list[int] = []

    def edit(text: str) -> str:
        lines.extend(entry.line for entry in entries(_parse(text, path)) if is_meant(entry))
        while True:
            document = _parse(text, path)
            written = list(entries(document))
            at = next((at for at, entry in enumerate(written) if is_meant(entry)), None)
            if at is None:
                return text
            kept = [entry.content for index, entry in enumerate(written) if index != at]
            text = _spliced(path, lambda entry=written[at]: removed(entry))  # type: ignore[misc]
            _checked(path, document, text, kept)

    change(path, edit)
    return lines


def _parse(text: str, path: Path) -> Document:
    return parse(text, shown(path), TEXT_KEYS)


def _contents(document: Document) -> list[object]:
    return [entry.content for entry in entries(document)]


def _spliced(path: Path, splice: Callable[[], str]) -> str:
    try:
        return splice()
    except AwkwardFileError as error:
        raise EditError(f"{shown(path)}: cannot be edited by a program: {error}; do it by hand") from None


def _checked(path: Path, before: Document, text: str, contents: list[object]) -> Document:
    """Read what was written and hold it to what was meant; the rest of the file must say the same as before."""
    try:
        after = _parse(text, path)
        same = _contents(after) == contents and _rest(after) == _rest(before)
    except ValueError:
        same = False
    if not same:
        raise EditError(f"{shown(path)}: is written in a way that a program cannot edit safely; do it by hand")
    return after


def _rest(document: Document) -> object:
    data = document.data if isinstance(document.data, dict) else {}
    return {key: value for key, value in data.items() if key != "indicators"}
