"""What the front's connections are signs of, for the bypass radar. Counted; nothing is judged or held up here."""

from __future__ import annotations

from proxy.front.crossing import Passage
from proxy.radar.signs import Signs
from proxy.radar.watch import Watch


class Watching:
    """Tell of passages."""

    def __init__(self, watch: Watch) -> None:
        self._signs = Signs(watch)

    def came(self, passage: Passage) -> None:
        """Note a connection, and where it wants to go."""
        unnamed = passage.clear and not passage.names
        self._signs.came(passage.device, passage.host, passage.port, unnamed=unnamed)

    def said(self, passage: Passage, server_name: str, contradicts: bool, ech: bool) -> None:
        """Note the name in the ClientHello of what is spliced; an inspector notes those of what it takes over."""
        self._signs.said(passage.device, server_name, contradicts=contradicts, ech=ech)
