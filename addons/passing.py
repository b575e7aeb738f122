"""What passes at this moment, and which of it may no longer: a verdict counts when something begins, and it may last.

A call, a download or a tunnel can go on for hours. What was seen of each is kept here, to be judged once more whenever
something else is known. Who judges, and how a connection is ended, is another's.
"""

from __future__ import annotations

from collections.abc import Iterator

from indicators.observation import Observation


class Passing:
    """Hold what passes, by mitmproxy's id of the flow or of the client whose connection is not opened."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, Observation]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def note(self, key: str, client: str, seen: Observation) -> None:
        """Note that something passes in a client's connection."""
        self._open[key] = client, seen

    def forget(self, key: str) -> None:
        """Take note of its end."""
        self._open.pop(key, None)

    def forget_client(self, client: str) -> None:
        """Take note of the end of a client's connection."""
        for key in [key for key, (of, _) in self._open.items() if of == client]:
            del self._open[key]

    def __iter__(self) -> Iterator[tuple[str, Observation]]:
        """Yield of each that still passes when its turn comes whose connection it is in, and what was seen of it."""
        for key in tuple(self._open):
            if key in self._open:
                yield self._open[key]
