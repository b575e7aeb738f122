"""Keep connections visible: take `ech` and `h3` out of the HTTPS and SVCB answers of hosts that must be seen.

With a key for Encrypted ClientHello a client hides the name that it connects to, and with HTTP/3 it goes around the
proxy. Which hosts must be seen is decided here; how a record is rewritten stands in `service_records.py`.
"""

from __future__ import annotations

from typing import Protocol

from indicators.hosts import parents
from indicators.inspection import InspectLists
from indicators.observation import Observation
from indicators.ports import Policy
from indicators.words import Stage, Visibility
from proxy.dns.answers import Body, ExtendedError
from proxy.dns.asked import Asked
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.codes import Type
from proxy.dns.service_records import without_ech_and_h3
from proxy.groups import Strip
from proxy.groups_in_force import Groups

_TYPES = (Type.SVCB, Type.HTTPS)
_ERROR = ExtendedError(Code.FORGED_ANSWER, "ech and h3 taken out: dns.strip_ech_h3")


class GroupPolicy(Policy, Groups, Protocol):
    """Judge, and know which group a device is in (`proxy.policy.LivePolicy`)."""


class KeepVisible:
    """Alter answers for hosts that must stay visible. Some groups have something else in the place of `strip`."""

    def __init__(self, policy: GroupPolicy, strip: Strip, lists: InspectLists) -> None:
        self._policy = policy
        self._strip = strip
        self._lists = lists

    def change(self, asked: Asked, body: Body) -> tuple[Body, ExtendedError] | None:
        """Return the altered answer, or None when it stays as it is."""
        if asked.query.qtype not in _TYPES or not body.counts[0] or not self._must_be_seen(asked):
            return None
        altered = without_ech_and_h3(asked.query.question, body)
        return None if altered is None else (altered, _ERROR)

    def _must_be_seen(self, asked: Asked) -> bool:
        device = asked.client.device
        strips = self._policy.device_groups.strips
        strip = strips.get(self._policy.group_of(device), self._strip) if strips else self._strip
        if strip != "inspected":
            return strip == "always"
        host = asked.query.host
        names = frozenset(parents(host))
        lists = self._lists.for_device(device)
        if not names.isdisjoint(lists.never_inspect):
            return False
        if not names.isdisjoint(lists.inspect):
            return True
        seen = Observation(Stage.DNS, device, (host,), reach=Visibility.URL)
        return self._policy.judge(seen).needs is not None
