"""What is wrong with a configuration: one problem per mistake, each with its file, line and key.

Values only. Every reader of YAML in this room says what it found as a `Problem`; `ConfigError` carries all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

type KeyPath = tuple[str | int, ...]


def dotted(path: KeyPath) -> str:
    """Write a path as people do.

    >>> dotted(("feeds", 1, "url"))
    'feeds[1].url'
    """
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """Name one mistake: where it stands, and what was expected there.

    `line` is 1-based; 0 where the whole file is meant. `key` is empty where no key is concerned.
    """

    place: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        """Give `file:line: key: what was expected`, the form that editors and terminals make clickable."""
        where = f"{self.place}:{self.line}" if self.line else self.place
        return f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"

    def as_json(self) -> dict[str, str | int]:
        """Return the object that `--json` prints."""
        return {"file": self.place, "line": self.line, "key": self.key, "message": self.message}


class ConfigError(ValueError):
    """Say everything that is wrong with a configuration at once; its text is one line per problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
