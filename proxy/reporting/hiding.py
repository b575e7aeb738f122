"""What `privacy.hide_urls` leaves of an event: device, severity, category and counts stay; the destination goes.

A destination becomes keyed hashes, one for each of its suffixes down to the registrable domain, so that whoever holds
the key's collector can group events of one site without reading its name. The words that could quote it go as well.
"""

from __future__ import annotations

from dataclasses import replace

from indicators.event import Evidence, VerdictEvent
from indicators.hosts import is_address, parents
from indicators.keyed_hash import keyed_hash
from indicators.public_suffix import registrable_domain


class Hider:
    """Hide destinations with the installation's privacy key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hide(self, event: VerdictEvent) -> VerdictEvent:
        """Return the event without its destination. Hashes of files and the words of indicators go too."""
        return replace(
            event,
            host=self.host(event.host),
            url="",
            addresses=tuple(self._digest(address) for address in event.addresses),
            hashes=tuple(self._digest(digest) for digest in event.hashes),
            reason=f"{event.action}: {event.category.label}" if event.category else str(event.action),
            title="",
            description="",
            recommended_actions="",
            matches=tuple(self._evidence(match) for match in event.matches),
            hidden=True,
        )

    def host(self, host: str) -> str:
        """Return the hashes of a host's suffixes, the host itself first, its registrable domain last, dotted."""
        if not host or is_address(host):
            return self._digest(host) if host else ""
        last = registrable_domain(host) or host
        suffixes = [name for name in parents(host) if len(name) >= len(last)]
        return ".".join(self._digest(name) for name in suffixes)

    def _evidence(self, match: Evidence) -> Evidence:
        return replace(
            match, indicator=self._digest(match.indicator), observable=self._digest(match.observable), title="", line=0
        )

    def _digest(self, text: str) -> str:
        return keyed_hash(self._key, text)
