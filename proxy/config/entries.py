"""The entries of one file of indicators as they are written: where each value stands, whichever form it has.

An entry with a list of values counts as many, so that each has its own line and can be removed alone. What an entry
means is decided by `indicators.rules`; nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from indicators.indicator import Indicator, Origin
from indicators.rules import RuleError, parse_indicator
from proxy.config.errors import ConfigError, KeyPath, Problem
from proxy.config.yaml_source import Document

VALUE_KEYS = ("value", "block", "warn", "audit", "allow")
# Below these keys a number or a date keeps its spelling.
TEXT_KEYS = frozenset((*VALUE_KEYS, "title", "description", "recommended_actions"))


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one indicator as it is written.

    `path` leads to its value in the file: to the entry, or to one item of the list below `value_key`.
    """

    document: Document
    path: KeyPath
    content: object
    value_key: str = ""

    @property
    def entry_path(self) -> KeyPath:
        """Return the path of the whole entry."""
        return self.path[:-2] if self.value_key else self.path

    @property
    def line(self) -> int:
        """Return the 1-based line of its value."""
        return self.document.line(self.path)

    def indicators(self, place: str) -> tuple[Indicator, ...]:
        """Return what the entry means. Raises RuleError."""
        if not isinstance(self.content, dict | str):
            raise RuleError("", "expected an indicator such as `block: evil.example`")
        origin = Origin("custom", custom=True, place=place, line=self.line)
        return parse_indicator(self.content, origin)

    def problem(self, error: RuleError) -> Problem:
        """Say where in the file a mistake of this entry stands."""
        if error.key and error.key == self.value_key:
            return self.document.problem(self.path, error.reason)
        steps = [int(step) if step.isdecimal() else step for step in error.key.split(".") if step]
        return self.document.problem((*self.entry_path, *steps), error.reason)


def list_path(document: Document) -> KeyPath:
    """Return the path of the list of indicators: the whole file, or below `indicators`."""
    return () if isinstance(document.data, list) else ("indicators",)


def entries(document: Document) -> Iterator[Entry]:
    """Yield the entries of a file in order. Raises ConfigError where a list should stand and something else does."""
    at = list_path(document)
    for index, content in enumerate(list_at(document, at)):
        yield from _single(Entry(document, (*at, index), content))


def list_at(document: Document, path: KeyPath) -> list[object]:
    """Return the list at the top of a file or below one of its keys; empty when it is not written."""
    found = document.data
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    if found is not None and not isinstance(found, list):
        raise ConfigError([document.problem(path, "expected a list (`- …`)")])
    return found or []


def _single(entry: Entry) -> Iterator[Entry]:
    content = entry.content if isinstance(entry.content, dict) else {}
    lists = [key for key in VALUE_KEYS if isinstance(content.get(key), list)]
    if len(lists) != 1 or not content[lists[0]]:
        yield entry
        return
    key = lists[0]
    for index, value in enumerate(content[key]):
        yield Entry(entry.document, (*entry.path, key, index), {**content, key: value}, key)
