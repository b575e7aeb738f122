"""Turn YAML text into plain data that knows its lines. What the data means is judged elsewhere.

What comes out is text, numbers, booleans, lists and dictionaries with text keys; a date stays text, and a key with an
empty value counts as not written. Tags, merge keys and keys that stand twice are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from proxy.config.errors import ConfigError, KeyPath, Problem, dotted
from proxy.config.yaml_nodes import MAX_DEPTH, MAX_NODES, compose

_UNFIT = re.compile("[\\x00\\ud800-\\udfff]")  # escapes can name them, and neither files nor JSON can hold them
_CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """Hold one file's data beside the nodes it came from. `place` is the file's name as it is shown to people."""

    place: str
    text: str
    root: Node | None
    data: object

    def node(self, path: KeyPath) -> Node | None:
        """Return the node at `path`, or nothing where the file has none."""
        node = self.root
        for step in path:
            node = _child(node, step)
        return node

    def line(self, path: KeyPath) -> int:
        """Return the 1-based line of the deepest part of `path` that the file has."""
        node, line = self.root, _line(self.root)
        for step in path:
            line = _key_line(node, step) or line
            node = _child(node, step)
        return line

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Name a mistake at `path`."""
        return Problem(self.place, self.line(path), dotted(path), message)


def parse(text: str, place: str, as_text: frozenset[str] = frozenset()) -> Document:
    """Read one YAML document.

    Below the keys in `as_text` numbers and dates keep their spelling: `block: 1e10` is a name, not a number.
    Raises ConfigError with every problem that can be told apart.
    """
    root = compose(text, place)
    plain = _Plain(place, as_text)
    data = plain.value(root, ()) if root is not None else None
    if plain.problems:
        raise ConfigError(plain.problems)
    return Document(place, text, root, data)


@dataclass(slots=True)
class _Plain:
    """Turn nodes into plain data and note what is refused."""

    place: str
    as_text: frozenset[str]
    problems: list[Problem] = field(default_factory=list)
    _budget: int = MAX_NODES
    _scalars: Any = field(default_factory=lambda: YAML(typ="safe", pure=True).constructor)

    def value(self, node: Node, path: KeyPath, *, text: bool = False) -> object:
        self._budget -= 1
        if self._budget < 0 or len(path) > MAX_DEPTH:
            raise ConfigError([*self.problems, self._problem(node, path, "aliases make this too large; write it out")])
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index), text=text) for index, item in enumerate(node.value)]
        return self._scalar(node, path, text=text)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, object]:
        found: dict[str, object] = {}
        seen: dict[str, int] = {}
        for key, item in node.value:
            if not isinstance(key, ScalarNode) or key.tag == f"{_CORE}merge":
                self.problems.append(self._problem(key, path, "expected a plain key; merge keys (`<<`) are not read"))
                continue
            name = str(key.value)
            if _UNFIT.search(name):
                self.problems.append(self._problem(key, path, "expected a plain key, found a NUL or half a character"))
                continue
            if name in seen:
                self.problems.append(self._problem(key, (*path, name), f"stands here and in line {seen[name]} already"))
                continue
            seen[name] = key.start_mark.line + 1
            value = self.value(item, (*path, name), text=name in self.as_text)
            if value is not None:
                found[name] = value
        return found

    def _scalar(self, node: Node, path: KeyPath, *, text: bool) -> object:
        kind = str(node.tag).removeprefix(_CORE)
        if _UNFIT.search(node.value):
            self.problems.append(self._problem(node, path, "expected text, found a NUL or half a character"))
            return None
        if kind in ("str", "timestamp") or (text and kind in ("int", "float")):
            return str(node.value)
        if kind not in ("null", "bool", "int", "float"):
            self.problems.append(self._problem(node, path, f"the tag {node.tag} is not read; write the value plainly"))
            return None
        try:
            return self._scalars.construct_object(node)
        except (ValueError, LookupError):
            self.problems.append(self._problem(node, path, f"expected the type {kind}, got {node.value!r:.40}"))
            return None

    def _problem(self, node: Node, path: KeyPath, message: str) -> Problem:
        return Problem(self.place, _line(node), dotted(path), message)


def _line(node: Node | None) -> int:
    return node.start_mark.line + 1 if node is not None else 1


def _child(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    if isinstance(node, MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None


def _key_line(node: Node | None, step: str | int) -> int:
    if isinstance(node, MappingNode):
        return next((key.start_mark.line + 1 for key, _ in node.value if key.value == step), 0)
    child = _child(node, step)
    return _line(child) if child is not None else 0
