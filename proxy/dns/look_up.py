"""Look a host up for an inspector: both address families at once, judged with the reach that its connection has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

from indicators.hosts import canonical_host, is_address
from indicators.words import Visibility
from proxy.dns.answers import empty
from proxy.dns.asked import Asked, Outcome
from proxy.dns.clients import Client
from proxy.dns.codes import IN, MAX_LABEL, MAX_NAME, RD, Rcode, Type
from proxy.dns.judge import Judge
from proxy.dns.question import Query
from proxy.dns.records import Evidence
from proxy.dns.resolver import Resolver
from proxy.dns.wire import Lookup

_ERRORS = {Rcode.NXDOMAIN: "nxdomain", Rcode.REFUSED: "refused", Rcode.NOERROR: "nodata"}


class LookUp:
    """Look hosts up."""

    def __init__(self, resolver: Resolver, judge: Judge, clock: Callable[[], float]) -> None:
        self._resolver = resolver
        self._judge = judge
        self._clock = clock

    async def host(self, text: str, client: Client, reach: Visibility) -> Lookup:
        """Return the judged addresses of a host. The caller reports what is blocked; nothing is reported here.

        An address is its own answer, once it is judged.
        """
        try:
            host = canonical_host(text)
            if is_address(host):
                return self._address(host, client, reach)
            questions = [address_question(host, qtype) for qtype in (Type.A, Type.AAAA)]
        except ValueError as problem:
            return Lookup(error="bad_name", reason=str(problem))
        now = self._clock()
        asked = [Asked(query, client, now, reach, told=True) for query in questions]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._resolver.resolve(one)) for one in asked]
        return _together([task.result() for task in tasks])

    def _address(self, host: str, client: Client, reach: Visibility) -> Lookup:
        address = ip_address(host)
        query = Query(0, 0, b"", host, Type.A, IN, None)
        body = replace(empty(Rcode.NOERROR), evidence=Evidence((), (address,)))
        stopped = self._judge.answer(Asked(query, client, self._clock(), reach, told=True), body)
        return _together([stopped]) if stopped else Lookup((address,))


def address_question(host: str, qtype: Type) -> Query:
    """Make the question for a host's addresses. Raises ValueError for a name that DNS cannot hold."""
    labels = [label.encode("ascii") for label in host.split(".")]
    name = b"".join(bytes((min(len(label), 255),)) + label for label in labels) + b"\0"
    if len(name) > MAX_NAME or any(not 0 < len(label) <= MAX_LABEL for label in labels):
        raise ValueError("a label has 1 to 63 characters, a name at most 253")
    return Query(0, RD, name + int(qtype).to_bytes(2) + IN.to_bytes(2), host, qtype, IN, None)


def _together(outcomes: list[Outcome]) -> Lookup:
    """Join both families. One that is blocked blocks the host; one that fails does not hide the other's addresses."""
    evidence = [outcome.body.evidence for outcome in outcomes]
    chain = tuple(dict.fromkeys(name for one in evidence for name in one.chain))
    addresses = tuple(dict.fromkeys(address for one in evidence for address in one.addresses))
    for outcome in outcomes:
        if outcome.verdict is not None:
            led_to = outcome.led_to
            return Lookup(chain=led_to.chain, refused=led_to.addresses, blocked=True, reason=outcome.verdict.reason)
    if not addresses:
        rcodes = [outcome.body.rcode for outcome in outcomes]
        worst = next((rcode for rcode in rcodes if rcode not in _ERRORS), rcodes[0])
        return Lookup(chain=chain, error=_ERRORS.get(Rcode(worst), "servfail"))
    ages = [outcome.body.lifetime - outcome.age for outcome in outcomes if outcome.body.evidence.addresses]
    return Lookup(addresses, chain, max(min(ages), 0))
