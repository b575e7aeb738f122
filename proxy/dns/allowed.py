"""Note which names were answered truly: for hashed sightings (`privacy.keep_sightings`), and as signs of a device.

It stands last among the changes of an answer that passed, and changes none. An answer that is kept ready is noted when
it is made, so a client that asks again and again is counted every few seconds, not each time.
"""

from __future__ import annotations

from proxy.dns.answers import Body, ExtendedError
from proxy.dns.asked import Asked
from proxy.reporting.port import ManyReporter


class AllowedNames:
    """Tell the reporter; what was recorded with its name (an audit) is no news, and an inspector tells for itself."""

    def __init__(self, reporter: ManyReporter) -> None:
        self._reporter = reporter

    def change(self, asked: Asked, body: Body) -> tuple[Body, ExtendedError] | None:
        """Note a name that leads somewhere. Returns nothing: the answer stays as it is."""
        if asked.query.host and body.evidence.addresses and not (asked.told or asked.sighting):
            self._reporter.let_through(asked.client.device, (asked.query.host,))
        return None
