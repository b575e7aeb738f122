"""The verdict on a file and on what it contains: one part that must be stopped stops the file.

Each part is judged for itself. So an indicator that allows a member, or a package's signer, speaks for that alone: it
takes back what else is listed of this very part, never what is found in another. Only what allows the file's own hash
lets all of it pass. Signatures are not verified here, which is one reason more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from addons.looked_into import LookedInto
from indicators.indicator import Indicator
from indicators.observation import Observation
from indicators.verdict import Verdict
from indicators.words import Action, IndicatorType

_HASHES = frozenset((IndicatorType.SHA256, IndicatorType.SHA1, IndicatorType.MD5))
_STRONGEST = 64  # characters of a SHA-256, with which the digests of one member begin


def judged_whole(
    judge: Callable[[Observation], Verdict], seen: Observation, found: LookedInto, met: tuple[Indicator, ...]
) -> Verdict:
    """Return the gravest verdict; `seen` has the file's own hashes, `met` is what its scan has met."""
    own = judge(replace(seen, findings=met))
    if found.report is None or _is_allowed(own):
        return own
    verdicts = [own]
    if not set(own.matches).issuperset(judge(replace(seen, hashes=found.report.hashes)).matches):  # seldom
        verdicts += [judge(replace(seen, hashes=hashes)) for hashes in _members(found.report.hashes)]
    verdicts += [judge(replace(seen, hashes=(), certificate=signer)) for signer in found.report.signers]
    return max(verdicts, key=_gravity)


def _members(hashes: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Give each member's digests."""
    held: list[str] = []
    for digest in hashes:
        if len(digest) == _STRONGEST and held:
            yield tuple(held)
            held = []
        held.append(digest)
    if held:
        yield tuple(held)


def _is_allowed(verdict: Verdict) -> bool:
    """Say whether a custom indicator allows this very file. One that allows its host is met by each part anew."""
    winner = verdict.winner
    return (
        winner is not None
        and winner.origin.custom
        and winner.type in _HASHES
        and verdict.matches[0].action is Action.ALLOW
    )


def _gravity(verdict: Verdict) -> int:
    """Rank by what is done, or would be in audit mode."""
    return max(verdict.action.strength, verdict.would.strength if verdict.would else 0)
