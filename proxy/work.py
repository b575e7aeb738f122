"""How much a process has done of what it is there for, so that CPU that nothing explains can be told from work."""

from __future__ import annotations


class Work:
    """Count steps: for an inspector, each thing that happens on a connection (bytes, an answer, an end) is one."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = 0
