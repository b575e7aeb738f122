"""Versions of operating systems, and the comparison of one that is known in part. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,3}")


@dataclass(frozen=True, slots=True)
class Version:
    """Hold a version such as `18.7.2`. Trailing zeros say nothing and are not kept: `18.0` is `18`."""

    parts: tuple[int, ...]

    @staticmethod
    def parse(text: str) -> Version:
        """Read a version. Raises ValueError where the text is none.

        >>> Version.parse("26.0.1").parts
        (26, 0, 1)
        """
        if not _FORM.fullmatch(text):
            raise ValueError(f"expected a version such as 18.7.2, got {text!r}")
        parts = [int(part) for part in text.split(".")]
        while len(parts) > 1 and parts[-1] == 0:
            parts.pop()
        return Version(tuple(parts))

    @property
    def major(self) -> int:
        """Return the first number, which names the cycle."""
        return self.parts[0]

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.parts)

    def __lt__(self, other: Version) -> bool:
        return _key(self) < _key(other)

    def known_to(self, places: int) -> Version:
        """Return the version as far as it is known: its first `places` numbers, zeros where it has fewer.

        >>> str(Version.parse("26.6.1").known_to(2)), str(Version.parse("26").known_to(2))
        ('26.6', '26.0')
        """
        return Version((*self.parts, 0, 0, 0)[:places])


def _key(version: Version) -> tuple[int, ...]:
    return (*version.parts, 0, 0, 0, 0)[:4]
