"""Limit how often one client may ask: over UDP it is then told to come by TCP, over TCP it is refused.

An answer with TC is no longer than its question, so the limit cannot be used to flood somebody else; a client whose
address was not forged comes by TCP, where it meets the same limit. Questions that are turned away cost nothing.
"""

from __future__ import annotations

from proxy.dns.answers import Body, ExtendedError, empty, reply
from proxy.dns.clients import Client
from proxy.dns.codes import TC, Rcode
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.question import BadQueryError, read_query

_CUT = Body(TC, (0, 0, 0), b"")
_REFUSED = empty(Rcode.REFUSED, ExtendedError(Code.PROHIBITED, "too many questions: dns.rate_limit"))


class RateLimit:
    """Give each client so many questions a second, with as many in reserve."""

    def __init__(self, per_second: int) -> None:
        self._rate = float(per_second)

    def takes(self, client: Client, now: float) -> bool:
        """Count a question, and say whether it is to be answered. `now` is in seconds of any steady clock."""
        left = min(client.questions_left + (now - client.counted_at) * self._rate, self._rate)
        client.counted_at = now
        client.questions_left = left - 1 if left >= 1 else left
        return left >= 1

    def over_udp(self, packet: bytes, client: Client) -> bytes | None:
        """Return the reply that sends a client to TCP; None, for silence, to what is no query."""
        return _answered(packet, client, _CUT)

    def over_tcp(self, packet: bytes, client: Client) -> bytes | None:
        """Return the refusal; None to what is no query."""
        return _answered(packet, client, _REFUSED)


def _answered(packet: bytes, client: Client, body: Body) -> bytes | None:
    try:
        return reply(read_query(packet), body) if client.allowed else None
    except BadQueryError:
        return None
