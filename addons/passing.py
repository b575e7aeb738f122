"""What passes at this moment, and which of it may no longer: a verdict counts when something begins, and it may last.

A call, a download or a tunnel can go on for hours. Whenever something else is known, each is judged once more by what
was seen of it then, and the connections of those that are stopped now are named. How they are ended is another's.
"""

from __future__ import annotations

from collections.abc import Callable

from indicators.observation import Observation
from indicators.verdict import Verdict


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

    def stopped(self, judge: Callable[[Observation], Verdict]) -> set[str]:
        """Return the clients in whose connections something passes that is stopped now."""
        return {client for client, seen in list(self._open.values()) if judge(seen).stops}
