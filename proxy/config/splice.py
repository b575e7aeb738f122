"""Put an indicator into the text of a YAML file, or take one out, and leave every other character as it is.

ruamel.yaml says where each value stands and writes what is added; the text around it is not written anew, so comments,
order, quoting and spacing stay. Pure functions from text to text: a result is trusted only after `edit.py` has read it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from proxy.config.entries import Entry, list_path
from proxy.config.yaml_source import Document

_KEY = "indicators"


class AwkwardFileError(ValueError):
    """Say why a file cannot be edited by a program, as the end of *the file cannot be edited: …*."""


def added(document: Document, *entries: Mapping[str, object]) -> str:
    """Return the text with more entries, the last of its list."""
    path = list_path(document)
    node = document.node(path)
    if isinstance(node, SequenceNode):
        return _after_last(document.text, node, entries, indent=2 if path else 0)
    if document.root is not None and (not isinstance(document.root, MappingNode) or document.root.flow_style):
        raise AwkwardFileError("the file is written in one line (`{…}`)")
    key = _key(document.root)
    if key is None:
        gap = "\n" if document.text.strip() else ""
        return _inserted(document.text, len(document.text), f"{gap}{_KEY}:\n" + _block(entries, 2))
    return _below_key(document.text, key, node, entries)


def removed(entry: Entry) -> str:
    """Return the text without one entry, or without one value of an entry that has several."""
    document, path = entry.document, entry.path
    if entry.value_key and len(_sequence(document, path[:-1]).value) == 1:
        path = entry.entry_path
    parent, index = _sequence(document, path[:-1]), int(path[-1])
    if parent.flow_style:
        return _without_flow(document.text, parent, index)
    return _without_lines(document.text, parent, index)


def _sequence(document: Document, path: tuple[str | int, ...]) -> SequenceNode:
    node = document.node(path)
    if not isinstance(node, SequenceNode):
        raise AwkwardFileError("its list stands elsewhere")
    return node


def _after_last(text: str, node: SequenceNode, entries: Sequence[Mapping[str, object]], indent: int) -> str:
    if not node.flow_style:
        return _inserted(text, _line_end(text, _content_end(text, node)), _block(entries, node.start_mark.column))
    if node.value:
        at = node.value[-1].end_mark.index
        return f"{text[:at]}, {', '.join(map(_flow, entries))}{text[at:]}"
    before = text[: node.start_mark.index].rstrip(" ")
    text = before + text[node.end_mark.index :]
    return _inserted(text, _line_end(text, len(before)), _block(entries, indent))


def _below_key(text: str, key: ScalarNode, value: Node | None, entries: Sequence[Mapping[str, object]]) -> str:
    """Write the first entry of a list whose key stands there with no value, `~` or `null`."""
    if isinstance(value, ScalarNode) and value.value:
        text = text[: value.start_mark.index].rstrip(" ") + text[value.end_mark.index :]
    return _inserted(text, _line_end(text, key.end_mark.index), _block(entries, key.start_mark.column + 2))


def _without_lines(text: str, node: SequenceNode, index: int) -> str:
    """Cut the lines of one item, from its dash to its last character; comments on lines of their own stay."""
    dash = " " * node.start_mark.column + "-"
    start = text.rfind("\n", 0, node.value[index].start_mark.index) + 1
    first = node.start_mark.index - node.start_mark.column
    while not text.startswith(dash, start) and start > first:
        start = text.rfind("\n", 0, start - 1) + 1
    return text[:start] + text[_line_end(text, _content_end(text, node.value[index])) :]


def _without_flow(text: str, node: SequenceNode, index: int) -> str:
    """Cut one item of `[a, b]` with its comma; a comment between items stays."""
    start, end = node.value[index].start_mark.index, node.value[index].end_mark.index
    if index + 1 < len(node.value):
        following = node.value[index + 1].start_mark.index
        between = text[end:following]
        return text[:start] + (between.partition(",")[2] if "#" in between else "") + text[following:]
    before = node.value[index - 1].end_mark.index if index else start
    return text[: start if "#" in text[before:start] else before] + text[end:]


def _content_end(text: str, node: Node) -> int:
    """Return where the last written character of a node ends; ruamel ends a block at the next token."""
    while isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node, before = (last[1], last[0]) if isinstance(last, tuple) else (last, last)
        if isinstance(node, ScalarNode) and not node.value and not node.style:
            return int(before.end_mark.index) + (1 if before is not node else 0)
    return len(text[: node.end_mark.index].rstrip())


def _line_end(text: str, at: int) -> int:
    """Return the index after the line break that ends the line of `at`."""
    end = text.find("\n", max(at, 0))
    return len(text) if end < 0 else end + 1


def _inserted(text: str, at: int, lines: str) -> str:
    before = text[:at]
    newline = "\r\n" if "\r\n" in text else "\n"
    if before and not before.endswith("\n"):
        before += newline
    return before + lines.replace("\n", newline) + text[at:]


def _key(root: Node | None) -> ScalarNode | None:
    pairs = root.value if isinstance(root, MappingNode) else []
    return next((key for key, _ in pairs if key.value == _KEY), None)


def _block(entries: Sequence[Mapping[str, object]], indent: int) -> str:
    text = _dump([dict(entry) for entry in entries], flow=False)
    return re.sub(r"(?m)^(?=.)", " " * indent, text)


def _flow(entry: Mapping[str, object]) -> str:
    return _dump(dict(entry), flow=True).strip()


def _dump(data: object, *, flow: bool) -> str:
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = flow
    yaml.width = 2**30
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()
