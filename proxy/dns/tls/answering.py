"""Answer a query that came over TLS: ask the resolver's process, with the device, and pad what it says.

Within five seconds there is an answer: SERVFAIL that says why where the resolver gives none.
"""

from __future__ import annotations

from indicators.observation import Device
from proxy.dns.answers import ExtendedError, bare_error, empty, reply
from proxy.dns.clients import Client
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.codes import Rcode
from proxy.dns.lookup import LookupClient, ResolverUnreachableError
from proxy.dns.question import BadQueryError, Query, read_query
from proxy.dns.responder import Came
from proxy.dns.tls.padding import padded

WITHIN = 4.8  # seconds
_NOT_THERE = empty(Rcode.SERVFAIL, ExtendedError(Code.NOT_READY, "the resolver does not answer; it may be starting"))


class Answering:
    """Answer packets."""

    def __init__(self, resolver: LookupClient) -> None:
        self._resolver = resolver

    async def answer(self, packet: bytes, came: Came) -> bytes | None:
        """Return the reply, or None where silence is right: the bytes are no query."""
        return await self.reply_to(packet, came.client)

    async def reply_to(self, packet: bytes, client: Client) -> bytes | None:
        """Return the reply to one client's query, or None where silence is right."""
        try:
            query = read_query(packet)
        except BadQueryError as problem:
            return bare_error(packet, problem.rcode) if problem.rcode is not None else None
        return padded(query, await self._ask(packet, query, client.device))

    async def _ask(self, packet: bytes, query: Query, device: Device) -> bytes:
        try:
            found = await self._resolver.query(packet, device)
        except (ResolverUnreachableError, ValueError):
            found = b""
        return found or reply(query, _NOT_THERE)
