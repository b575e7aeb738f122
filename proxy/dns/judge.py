"""Put questions and answers before the policy, and turn a verdict that stops into a blocked answer.

The question is judged before anybody hears of it; what an answer leads to (its chain, its addresses) afterwards.
"""

from __future__ import annotations

from ipaddress import ip_address

from indicators.observation import Observation
from indicators.verdict import Verdict
from indicators.words import Action, Enforcement, Stage, Visibility
from proxy.dns import composed
from proxy.dns.answers import Body, ExtendedError
from proxy.dns.asked import Asked, Outcome
from proxy.dns.codes import ExtendedError as Code
from proxy.dns.composed import BlockedAnswer
from proxy.dns.records import Evidence
from proxy.dns.remembered import RememberedVerdicts
from proxy.dns.reports import Sighting, Sightings
from proxy.policy_port import Policies

HOLDS = 60.0  # seconds for which a block on a name is kept ready


class Judge:
    """Judge for the resolver's chain."""

    def __init__(self, policy: Policies, sightings: Sightings, how: BlockedAnswer) -> None:
        self._policy = policy
        self._remembered = RememberedVerdicts(policy)
        self._sightings = sightings
        self._how = how

    def question(self, asked: Asked) -> Outcome | None:
        """Return the blocked answer, or None when the question may go on."""
        if not asked.query.host:
            return None
        seen = self._observation(asked)
        plain = asked.reach is Visibility.DNS and not asked.told
        verdict = self._remembered.on(seen, asked.now) if plain else self._policy.judge(seen)
        winner = verdict.winner
        asked.vouched = winner is not None and winner.origin.custom and winner.action is Action.ALLOW
        return self._enforce(asked, seen, verdict)

    def answer(self, asked: Asked, body: Body) -> Outcome | None:
        """Return the blocked answer when what this body leads to may not be reached.

        Names and addresses are judged together with the name that was asked for, so that what a person allowed by
        name is not lost to where it leads, and the other way round, as the precedence says.
        """
        chain, addresses = body.evidence
        if not chain and not addresses:
            return None
        seen = self._observation(asked)
        hosts = tuple(dict.fromkeys((*seen.hosts, *chain)))
        seen = Observation(
            Stage.DNS, seen.device, hosts, addresses=addresses, reach=seen.reach, can_show_page=seen.can_show_page
        )
        return self._enforce(asked, seen, self._policy.judge(seen))

    def _observation(self, asked: Asked) -> Observation:
        return Observation(
            Stage.DNS,
            asked.client.device,
            (asked.query.host,),
            reach=asked.reach,
            can_show_page=self._how == "page" or asked.client.sees_page or asked.told,
        )

    def _enforce(self, asked: Asked, seen: Observation, verdict: Verdict) -> Outcome | None:
        if verdict.stops:
            return self._blocked(asked, seen, verdict)
        if not (verdict.is_plain_allow or asked.sighting or asked.told):
            self._sightings.follow(self._policy.epoch, asked.now)
            asked.sighting = self._sightings.note(seen, verdict, Enforcement.PASSED, shown=False)
        return None

    def _blocked(self, asked: Asked, seen: Observation, verdict: Verdict) -> Outcome:
        how = "page" if asked.client.sees_page else self._how
        body = composed.blocked(how, asked.query.qtype, asked.client.page)
        if verdict.rewrite:
            body = composed.addresses(asked.query.qtype, tuple(map(ip_address, verdict.rewrite)))
            if asked.told:
                return Outcome(body)  # an inspector goes where clients are sent
        if asked.told:
            return Outcome(body, verdict=verdict, led_to=Evidence(seen.hosts[1:], seen.addresses))
        shown = asked.query.edns is not None
        self._sightings.follow(self._policy.epoch, asked.now)
        sighting = self._sightings.note(seen, verdict, Enforcement.SINKHOLED, shown=shown)
        error = _explain(verdict, sighting) if shown else None
        stays = _stays(seen, verdict) and not verdict.rewrite
        holds = min(HOLDS if stays else composed.BLOCK_TTL, self._sightings.day_ends - asked.now)
        return Outcome(body, holds=holds, error=error, sighting=sighting, verdict=verdict, by_name=stays)


def _stays(seen: Observation, verdict: Verdict) -> bool:
    """Say whether a block lasts until the policy's epoch changes: it is on the name alone, and nothing expires.

    A waiver, the end of one or a pause can only turn it by a new epoch, or make a passing verdict a block.
    """
    if verdict.failed or len(seen.hosts) > 1 or seen.addresses:
        return False
    return all(match.indicator.expiration is None for match in verdict.matches)


def _explain(verdict: Verdict, sighting: Sighting) -> ExtendedError:
    """Say why, with the incident: `Filtered` for what its user asked to be kept out, `Blocked` for feeds.

    A name that a feed sends elsewhere has a `Forged Answer`.
    """
    winner = verdict.winner
    code = Code.FILTERED if winner and winner.origin.custom else Code.BLOCKED
    code = Code.FORGED_ANSWER if verdict.rewrite else code
    label = verdict.category.label if verdict.category else "Blocked"
    return ExtendedError(code, f"{label}; incident {sighting.incident}" if sighting.incident else label)
