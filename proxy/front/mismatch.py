"""Tell of connections whose ClientHello names another host than was asked for: once for each pair, as a sighting.

Both names were judged by then and nothing stops either; a name that contradicts the other is how a blocked host is
hidden behind one that is not.
"""

from __future__ import annotations

from collections import OrderedDict

from indicators.observation import Observation
from indicators.ports import Reporter
from indicators.verdict import Verdict
from indicators.words import Action, Enforcement, Stage
from proxy.front.crossing import Passage

_REMEMBERED = 4096  # pairs


class Mismatches:
    """Report each pair of names once while it is remembered. `count` is of all connections."""

    def __init__(self, reporter: Reporter) -> None:
        self.count = 0
        self._reporter = reporter
        self._told: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def tell(self, passage: Passage, server_name: str) -> None:
        """Report one connection."""
        self.count += 1
        asked = passage.names[0] if passage.names else passage.host
        key = (passage.device.id, asked, server_name)
        if key in self._told:
            self._reporter.repeat(self._told[key])
            return
        seen = Observation(Stage.TLS, passage.device, (asked, server_name), None, passage.addresses, passage.port)
        said = f"the ClientHello names {server_name[:255]!r}, but {asked} was asked for"
        self._told[key] = self._reporter.report(seen, Verdict(Action.AUDIT, said), Enforcement.PASSED)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
