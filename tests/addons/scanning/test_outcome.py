"""Each finding asks for what policy says, and says what was found where."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from addons.scanning.outcome import ScanPolicy, described, met
from addons.scanning.report import Engine, Finding, Package, ScanReport, Weight
from indicators.classifier import Classifier
from indicators.indicator import Indicator, Origin
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.settings import PolicySettings
from indicators.verdict import Verdict
from indicators.words import Action, Category, IndicatorType, Mode, Severity, Stage

MALWARE = Finding(Engine.YARA, "rule_x", "f.zip/a", Weight.MALWARE, "a bad thing")
SUSPICIOUS = Finding(Engine.APK, "banker permissions", "f.zip/b.apk", Weight.SUSPICIOUS, "it can read")
BOMB = Finding(Engine.ARCHIVE, "archive bomb", "f.zip/c", Weight.OPAQUE, "f.zip/c inflates beyond the limit")
SEALED = Finding(Engine.ARCHIVE, "encrypted archive", "f.zip/d", Weight.OPAQUE, "f.zip/d is encrypted")
HASHES = ("a" * 64, "b" * 40, "c" * 32)


def report(*findings: Finding) -> ScanReport:
    return ScanReport("ZIP archive", 99, HASHES, findings, (Package("com.x", "2", (), ("d" * 40,)),))


def judge(*indicators: Indicator, custom: Indicator | None = None, mode: Mode = Mode.ENFORCE) -> Verdict:
    seen = Observation(Stage.DOWNLOAD, Device("d", "d"), ("x.test",), hashes=HASHES, findings=indicators)
    index = MemoryIndex([custom] if custom else [])
    return Classifier(index, [], PolicySettings(mode=mode)).judge(seen, datetime(2026, 5, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("policy", "actions"),
    [
        (ScanPolicy(), [Action.BLOCK, Action.WARN, Action.BLOCK]),
        (ScanPolicy(suspicious=Action.BLOCK, bombs=Action.WARN, unreadable=Action.WARN),
         [Action.BLOCK, Action.BLOCK, Action.WARN, Action.WARN]),
        (ScanPolicy(suspicious=Action.ALLOW, bombs=Action.ALLOW), [Action.BLOCK]),
    ],
    ids=["default", "stricter", "milder"],
)  # fmt: skip
def test_policy_says_what_follows(policy: ScanPolicy, actions: list[Action]) -> None:
    found = met("f.zip", HASHES[0], report(MALWARE, SUSPICIOUS, BOMB, SEALED), policy)
    assert [indicator.action for indicator in found] == actions


def test_an_alert_names_file_hash_package_and_rule() -> None:
    [found] = met("f.zip", HASHES[0], report(MALWARE), ScanPolicy())
    assert (found.value, found.type, found.category, found.severity) == (
        HASHES[0],
        IndicatorType.SHA256,
        Category.MALWARE,
        Severity.MEDIUM,
    )
    assert found.title == "Malware in a download: rule_x"
    signer = "d" * 40
    said = f"File f.zip (ZIP archive, 99 bytes, package com.x 2, signed by {signer}). f.zip/a: a bad thing."
    assert found.description == said


def test_findings_are_weighed_like_a_feed() -> None:
    found = met("f.zip", HASHES[0], report(MALWARE, SUSPICIOUS), ScanPolicy())
    assert judge(*found).action is Action.BLOCK
    assert judge(*found, mode=Mode.AUDIT).would is Action.BLOCK
    allowed = Indicator(HASHES[0], IndicatorType.SHA256, Action.ALLOW, Origin("custom", custom=True))
    assert judge(*found, custom=allowed).action is Action.ALLOW


def test_many_findings_are_told_up_to_a_number() -> None:
    many = [Finding(Engine.YARA, f"rule_{n}", "f", Weight.MALWARE, "x" * 900) for n in range(30)]
    found = met("f.zip", HASHES[0], report(*many), ScanPolicy())
    assert len(found) == 8
    assert all(len(indicator.description) <= 500 for indicator in found)


def test_a_listed_hash_is_described_by_the_file_it_was_in() -> None:
    listed = Indicator(HASHES[0], IndicatorType.SHA256, Action.BLOCK, Origin("feed", custom=False), description="Bad.")
    seen = Observation(Stage.DOWNLOAD, Device("d", "d"), ("x.test",), hashes=HASHES)
    verdict = Classifier(MemoryIndex([listed]), [], PolicySettings()).judge(seen, datetime(2026, 5, 1, tzinfo=UTC))
    told = described(verdict, "f.zip", report())
    assert told.winner is not None
    assert told.winner.description.startswith("Bad. File f.zip (ZIP archive, 99 bytes, package com.x 2")
    nothing = judge()
    assert described(nothing, "f.zip", report()) is nothing
