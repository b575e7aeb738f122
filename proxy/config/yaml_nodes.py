"""Compose YAML text into nodes, within bounds: a hostile text is given up before it is in memory.

This is the one place where ruamel.yaml's errors are turned into ours. Nodes carry positions; their meaning is not
looked at here.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import Node
from ruamel.yaml.reader import ReaderError

from proxy.config.errors import ConfigError, Problem

MAX_NODES = 200_000
MAX_DEPTH = 16
MAX_ALIASES = 100


class _TooMuch(Exception):  # noqa: N818 - a signal inside this file, never seen outside
    def __init__(self, message: str, line: int) -> None:
        self.message, self.line = message, line


class _CappedComposer(Composer):
    """Count while composing, so that a hostile file is given up before it is in memory."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self._nodes = self._aliases = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        line = event.start_mark.line + 1
        self._nodes += 1
        self._aliases += isinstance(event, AliasEvent)
        if self._nodes > MAX_NODES:
            raise _TooMuch(f"more than {MAX_NODES} values; give long lists as a feed with `path`", line)
        if self._aliases > MAX_ALIASES:
            raise _TooMuch(f"more than {MAX_ALIASES} aliases (`*name`); write the values out", line)
        if self.depth >= MAX_DEPTH:
            raise _TooMuch(f"nested deeper than {MAX_DEPTH} levels", line)
        return super().compose_node(parent, index)


def compose(text: str, place: str) -> Node | None:
    """Return the root node of one YAML document, or nothing for an empty one.

    Raises ConfigError with the line when the text is not YAML, holds several documents, or is larger than the caps.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _CappedComposer
    try:
        root: Node | None = yaml.compose(text)
    except _TooMuch as error:
        raise _broken(place, error.message, error.line) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _broken(place, f"the character U+{error.character:04X} is not allowed in YAML", line) from None
    except MarkedYAMLError as error:
        raise ConfigError([_syntax_problem(error, place)]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise _broken(place, f"not valid YAML: {error}") from None
    return root


# What ruamel says -> what a person can do about it.
_ADVICE = (
    ("'\\t' that cannot start", "a tab is used where YAML wants spaces"),
    ("found undefined alias", "a text that starts with `*` must be quoted"),
    ("that cannot start any token", "a text that starts with this character must be quoted"),
    ("mapping values are not allowed", "a `:` stands where no key may be; check the indentation, or quote the text"),
    ("found another document", "only one document is allowed; remove the line `---`"),
    ("could not find expected ':'", "a line is neither `key: value` nor `- item`"),
)


def _syntax_problem(error: MarkedYAMLError, place: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    said = " ".join(str(error.problem or error.context or "cannot be read").split())
    advice = next((advice for sign, advice in _ADVICE if sign in said), "")
    message = f"not valid YAML: {said}" + (f" ({advice})" if advice else "")
    return Problem(place, mark.line + 1 if mark else 0, "", message)


def _broken(place: str, message: str, line: int = 0) -> ConfigError:
    return ConfigError([Problem(place, line, "", message)])
