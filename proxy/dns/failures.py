"""Questions that could not be answered a moment ago: asking again at once would bring the same (RFC 9520)."""

from __future__ import annotations

from collections import OrderedDict

from proxy.dns.answers import Body

KEPT_FOR = 5.0  # seconds; RFC 9520, section 3.2: at least one, at most five minutes
_MOST = 4096


class RecentFailures:
    """Keep failures for a few seconds; the oldest gives way."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, tuple[Body, float]] = OrderedDict()

    def of(self, identity: bytes, now: float) -> Body | None:
        """Return the failure that a question met a moment ago."""
        body, until = self._kept.get(identity, (None, 0.0))
        return body if now < until else None

    def note(self, identity: bytes, body: Body, now: float) -> None:
        """Keep a failure; what counts is the latest."""
        self._kept.pop(identity, None)
        self._kept[identity] = (body, now + KEPT_FOR)
        if len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def forget(self, identity: bytes) -> None:
        """Forget what was answered after all."""
        self._kept.pop(identity, None)
