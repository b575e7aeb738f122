"""DNS cookies towards one upstream (RFC 7873): eight random octets that its answers must give back.

Who does not see our questions cannot guess them, beside id, port and letter case. An upstream that has shown a cookie
of its own must do so from then on; one that stops is asked without that rule again after its answer failed to come.
"""

from __future__ import annotations

import secrets

from proxy.dns.codes import HEADER_SIZE, RCODE, Option, Rcode, Type
from proxy.dns.records import BadReplyError, read_records

_CLIENT = 8  # octets
_LARGEST = 40  # octets, both parts


class UpstreamCookies:
    """Keep both cookies for one upstream."""

    def __init__(self) -> None:
        self._ours = secrets.token_bytes(_CLIENT)
        self._theirs = b""

    @property
    def option(self) -> bytes:
        """Return the COOKIE option's data for the next question."""
        return self._ours + self._theirs

    def fits(self, packet: bytes) -> bool:
        """Say whether an answer may be this upstream's: it gives our cookie back, or never gave one."""
        return not self._theirs or self._ours in packet

    def learn(self, packet: bytes) -> None:
        """Take the server's cookie out of an answer that belongs."""
        at = packet.rfind(self._ours, HEADER_SIZE)
        if at < HEADER_SIZE + 4 or int.from_bytes(packet[at - 4 : at - 2]) != Option.COOKIE:
            return
        size = int.from_bytes(packet[at - 2 : at])
        if 2 * _CLIENT <= size <= _LARGEST and at + size <= len(packet):
            self._theirs = packet[at + _CLIENT : at + size]

    def forget(self) -> None:
        """Ask without the server's cookie again."""
        self._theirs = b""


def is_bad_cookie(packet: bytes, question_size: int) -> bool:
    """Say whether an answer asks for the cookie that it brings (BADCOOKIE, RFC 7873 section 5.3)."""
    if packet[3] & RCODE != Rcode.BADCOOKIE & RCODE:
        return False
    try:
        records = read_records(packet, HEADER_SIZE + question_size)
    except BadReplyError:
        return False
    return any(one.type == Type.OPT and packet[one.ttl_at] == Rcode.BADCOOKIE >> 4 for one in records)
