"""What is listed of a part stops the whole, and what allows a part speaks for that part alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addons.looked_into import LookedInto
from addons.scanning.report import Package, ScanReport
from addons.whole_file import judged_whole
from indicators.classifier import Classifier
from indicators.indicator import Indicator, Origin
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.settings import PolicySettings
from indicators.words import Action, IndicatorType, Mode, Stage

FEED, CUSTOM = Origin("feed", custom=False), Origin("custom", custom=True)
OWN = ("f" * 64, "f" * 40, "f" * 32)
MEMBERS = ("a" * 64, "a" * 40, "a" * 32, "b" * 64, "c" * 64, "c" * 40, "c" * 32)  # the second is a long one
SIGNERS = ("d" * 40, "e" * 40)
KINDS = {64: IndicatorType.SHA256, 40: IndicatorType.SHA1, 32: IndicatorType.MD5}
REPORT = ScanReport("ZIP archive", 9, MEMBERS, packages=tuple(Package("p", signers=(one,)) for one in SIGNERS))


def listed(value: str, action: Action = Action.BLOCK, origin: Origin = FEED) -> Indicator:
    kind = IndicatorType.DOMAIN if "." in value else KINDS[len(value)]
    return Indicator(value, IndicatorType.CERTIFICATE if value in SIGNERS else kind, action, origin)


def judged(
    *indicators: Indicator,
    report: ScanReport | None = REPORT,
    met: tuple[Indicator, ...] = (),
    mode: Mode = Mode.ENFORCE,
) -> tuple[Action, str]:
    custom = MemoryIndex([one for one in indicators if one.origin.custom])
    feeds = MemoryIndex([one for one in indicators if not one.origin.custom])
    classifier = Classifier(custom, [feeds], PolicySettings(mode=mode))
    seen = Observation(Stage.DOWNLOAD, Device("d", "d"), ("x.test",), url="https://x.test/f", hashes=OWN)
    now = datetime(2026, 5, 1, tzinfo=UTC)
    found = LookedInto("f.zip", OWN, report)
    verdict = judged_whole(lambda part: classifier.judge(part, now), seen, found, met)
    return verdict.would or verdict.action, verdict.matches[0].observable if verdict.matches else ""


@pytest.mark.parametrize("value", [*OWN, *MEMBERS, *SIGNERS])
@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.AUDIT])
def test_each_part_is_judged(value: str, mode: Mode) -> None:
    assert judged(listed(value), mode=mode) == (Action.BLOCK, value)


def test_nothing_listed_is_nothing_known() -> None:
    assert judged() == (Action.ALLOW, "")
    assert judged(listed("a" * 64), report=None) == (Action.ALLOW, ""), "without a scan nothing is known of members"


A, B, C, X = "a" * 64, "b" * 64, "c" * 64, "x.test"


def allow(value: str) -> Indicator:
    return listed(value, Action.ALLOW, CUSTOM)


def own_block(value: str) -> Indicator:
    return listed(value, Action.BLOCK, CUSTOM)


@pytest.mark.parametrize(
    ("indicators", "expected"),
    [
        ((listed(A), allow(C)), (Action.BLOCK, A)),
        ((listed(A), allow(SIGNERS[0])), (Action.BLOCK, A)),
        ((listed(SIGNERS[1]), allow(SIGNERS[0])), (Action.BLOCK, SIGNERS[1])),
        ((listed(OWN[0]), allow(C)), (Action.BLOCK, OWN[0])),
        ((listed(A, Action.WARN), listed(B), allow(C)), (Action.BLOCK, B)),
        ((listed(A), allow(A)), (Action.ALLOW, "")),
        ((listed("c" * 32), allow(C)), (Action.ALLOW, "")),
        ((listed(A), allow(A), listed(B)), (Action.BLOCK, B)),
        ((listed(SIGNERS[0]), allow(SIGNERS[0])), (Action.ALLOW, "")),
        ((listed(A), listed(SIGNERS[0]), allow(OWN[0])), (Action.ALLOW, OWN[0])),
        ((listed(A), allow(X)), (Action.ALLOW, X)),
        ((own_block(A), allow(X)), (Action.BLOCK, A)),
    ],
    ids=[
        "another member allowed", "a signer allowed", "another signer allowed", "a member of a listed file allowed",
        "the gravest stands", "the member itself allowed", "a member allowed by a stronger hash",
        "one member allowed, one not", "the signer itself allowed", "the whole file allowed", "its host allowed",
        "its host allowed, a member on the own list",
    ],
)  # fmt: skip
def test_what_allows_a_part_speaks_for_that_part(
    indicators: tuple[Indicator, ...], expected: tuple[Action, str]
) -> None:
    assert judged(*indicators) == expected


def test_what_a_scan_met_counts_once_and_is_outranked_by_the_files_own_hash_alone() -> None:
    met = (Indicator(OWN[0], IndicatorType.SHA256, Action.BLOCK, Origin("scan", custom=False)),)
    assert judged(met=met) == (Action.BLOCK, OWN[0])
    assert judged(allow(A), met=met) == (Action.BLOCK, OWN[0])
    assert judged(allow(OWN[1]), met=met)[0] is Action.ALLOW
