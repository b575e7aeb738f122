"""Answer a listed name as another one was answered that differs in nothing but its name.

The first blocked name of a kind is answered the long way: read, judged, composed, reported. What came of it holds for
every other name on which the same feeds list the same, asked in the same words by the same client: so those are
answered from the packet's bytes after one look into the snapshot. Whatever a custom indicator, an expiry or a guard has
a say in is of no kind and goes the long way, always.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from indicators.index import Glance
from indicators.observation import Device, Observation
from indicators.verdict import Match, Verdict
from indicators.words import Action, Enforcement, Stage, Visibility
from proxy.dns.asked import Outcome
from proxy.dns.clients import Client
from proxy.dns.codes import HEADER_SIZE
from proxy.dns.own_names import is_reserved
from proxy.dns.question import Query, plain_host
from proxy.dns.ready import Ready, ReadyAnswers
from proxy.dns.reports import Listed, Sightings
from proxy.dns.responder import Came
from proxy.reporting.form import Form
from proxy.reporting.port import ManyReporter

LEARNED_FOR = 3600.0  # seconds; a new epoch and the end of a day end it sooner
_MAX_SHAPES = 1024  # of queries: client, flags, type, EDNS
_MAX_KINDS = 256  # of each
_DONE = (Action.BLOCK.value, Enforcement.SINKHOLED.value)
_MAX_REPLY = 512  # octets, which every client takes


class Glancing(Protocol):
    """Look at what is listed on a name, short of a verdict (`proxy.policy.LivePolicy`)."""

    def glance(self, host: str) -> Glance | None:
        """Return what feeds list on a name, where nothing else has a say in it; never raise."""
        ...

    def listed(self, host: str) -> tuple[Match, ...]:
        """Return the matches that `glance` speaks of, in its order."""
        ...

    def differs(self, device: Device) -> bool:
        """Say whether a device's group has a policy of its own."""
        ...


class _Kind:
    """Hold what is the same for all names of a kind. `shows` says that the reply ends with the incident."""

    __slots__ = ("form", "head", "order", "shows", "tail", "until")

    def __init__(self, head: bytes, tail: bytes, form: Form, order: tuple[int, ...], until: float, shows: bool) -> None:
        self.head, self.tail, self.form, self.order, self.until, self.shows = head, tail, form, order, until, shows


class AlikeAnswers:
    """Learn from blocked answers, and give those that are alike."""

    def __init__(self, policy: Glancing, sightings: Sightings, reporter: ManyReporter, ready: ReadyAnswers) -> None:
        self._policy = policy
        self._glance = policy.glance
        self._sightings = sightings
        self._reporter = reporter
        self._ready = ready
        self._shapes: dict[bytes, dict[Hashable, _Kind]] = {}
        self._epoch = -1

    def follow(self, epoch: int, now: float) -> None:
        """Forget everything when the policy's epoch is another one."""
        self._sightings.follow(epoch, now)
        if epoch != self._epoch:
            self._epoch = epoch
            self._shapes.clear()

    def answer(self, client: Client, packet: bytes, now: float) -> bytes | None:
        """Return the reply, its report under way; None where nothing alike was answered before."""
        name_end = packet.find(0, HEADER_SIZE)
        before, behind = client.tag + packet[2:HEADER_SIZE], packet[name_end:]
        kinds = self._shapes.get(before + behind)
        if kinds is None:
            return None
        name = packet[HEADER_SIZE:name_end]
        lower = name.lower()
        host = plain_host(lower)
        glance = self._glance(host) if host is not None else None
        if glance is None or host is None:
            return None
        kind = kinds.get(glance[0])
        if kind is None or now >= kind.until or is_reserved(host):
            return None
        listed = Listed(kind.form, kind.order, host, glance[1])
        sighting = self._sightings.note_listed((client.device.id, host, *_DONE), listed, shown=kind.shows)
        tail = kind.tail + sighting.incident.encode() if kind.shows else kind.tail
        if kind.shows and not sighting.incident:
            return None
        self._ready.keep(before + lower + behind, Ready(kind.head, tail, kind.until, sighting))
        reply = packet[:2] + kind.head + name + tail
        return reply if len(reply) <= _MAX_REPLY else None

    def learn(self, packet: bytes, query: Query, came: Came, outcome: Outcome, reply: bytes) -> None:
        """Keep what the answer to a blocked name says of others; nothing where it speaks for itself alone."""
        verdict, client = outcome.verdict, came.client
        if self._policy.differs(client.device):
            return
        glance = self._policy.glance(query.host)
        if glance is None or verdict is None or not _is_plain(verdict) or came.reach is not Visibility.DNS:
            return
        incident = outcome.sighting.incident if outcome.sighting else ""
        order = _order(verdict.matches, self._policy.listed(query.host))
        seen = Observation(Stage.DNS, client.device, (query.host,))
        form = self._reporter.form(seen, verdict, Enforcement.SINKHOLED) if order else None
        shows = incident != "" and reply.endswith(incident.encode())
        if form is None or order is None or (query.edns is not None and not shows):
            return
        name_end = reply.find(0, HEADER_SIZE)
        tail = reply[name_end : -len(incident)] if shows else reply[name_end:]
        kinds = self._of_shape(client.tag + packet[2:HEADER_SIZE] + packet[packet.find(0, HEADER_SIZE) :])
        until = min(came.now + LEARNED_FOR, self._sightings.day_ends)
        kinds[glance[0]] = _Kind(reply[2:HEADER_SIZE], tail, form, order, until, shows)

    def _of_shape(self, shape: bytes) -> dict[Hashable, _Kind]:
        kinds = self._shapes.get(shape)
        if kinds is None:
            if len(self._shapes) >= _MAX_SHAPES:
                self._shapes.clear()
            kinds = self._shapes[shape] = {}
        elif len(kinds) >= _MAX_KINDS:
            kinds.clear()
        return kinds


def _is_plain(verdict: Verdict) -> bool:
    """Say whether feeds alone block, for everybody and until the policy's epoch changes."""
    indicators = [match.indicator for match in verdict.matches]
    return (
        verdict.action is Action.BLOCK
        and verdict.stops
        and not verdict.failed
        and all(
            match.action is Action.BLOCK and not (one.origin.custom or one.expiration or one.device_groups)
            for match, one in zip(verdict.matches, indicators, strict=True)
        )
    )


def _order(ranked: tuple[Match, ...], listed: tuple[Match, ...]) -> tuple[int, ...] | None:
    """Return where each match of a verdict stands among those listed; None where the verdict rests on others."""
    if len(ranked) != len(listed) or any(match not in listed for match in ranked):
        return None
    return tuple(listed.index(match) for match in ranked)
