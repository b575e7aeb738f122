"""What a scan's findings mean under policy: each becomes an indicator that was met, for the classifier to weigh.

So a custom allow of the file's hash outranks a scan, audit mode records it, and the alert says what was found. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from addons.scanning.kinds import Group
from addons.scanning.report import Finding, ScanReport, Weight
from indicators.indicator import Indicator, Origin
from indicators.verdict import Verdict
from indicators.words import Action, Category, IndicatorType, Severity

SOURCE = "scan"
_BOMBS = {"archive bomb", "archive with too many members", "archive nested too deep"}
_MOST = 8  # findings that are told of one file
_TEXT = 500  # characters


@dataclass(frozen=True, slots=True)
class ScanPolicy:
    """Say what is scanned and what follows. `hold` is how long (seconds) a person waits for a scan at most."""

    kinds: frozenset[Group] = field(default_factory=lambda: frozenset(Group))
    suspicious: Action = Action.WARN
    bombs: Action = Action.BLOCK
    unreadable: Action = Action.ALLOW
    hold: float = 30.0

    def action(self, finding: Finding) -> Action:
        """Return what a finding asks for."""
        if finding.weight is Weight.MALWARE:
            return Action.BLOCK
        if finding.weight is Weight.SUSPICIOUS:
            return self.suspicious
        return self.bombs if finding.name in _BOMBS else self.unreadable


def met(name: str, sha256: str, report: ScanReport, policy: ScanPolicy) -> tuple[Indicator, ...]:
    """Return the indicators that a scan of the file called `name`, of this hash, has met, the gravest first."""
    told = [found for found in report.findings if policy.action(found) is not Action.ALLOW]
    return tuple(_indicator(found, name, sha256, report, policy) for found in told[:_MOST])


def described(verdict: Verdict, name: str, report: ScanReport) -> Verdict:
    """Return the verdict with the file, its kind and package in its winner's description, for page and alert."""
    if verdict.winner is None or verdict.winner.origin.source == SOURCE:
        return verdict
    text = " ".join(part for part in (verdict.winner.description, _about(name, report)) if part)
    first = replace(verdict.matches[0], indicator=replace(verdict.winner, description=text[:_TEXT]))
    return replace(verdict, matches=(first, *verdict.matches[1:]))


def _indicator(found: Finding, name: str, sha256: str, report: ScanReport, policy: ScanPolicy) -> Indicator:
    malware = found.weight is Weight.MALWARE
    return Indicator(
        value=sha256,
        type=IndicatorType.SHA256,
        action=policy.action(found),
        origin=Origin(SOURCE, custom=False, place=f"{found.engine}: {found.name}"),
        category=Category.MALWARE if malware else Category.SUSPICIOUS,
        title=f"{'Malware' if malware else 'Suspicious content'} in a download: {found.name}"[:200],
        description=f"{_about(name, report)} {found.path}: {found.reason}."[:_TEXT],
        severity=Severity.MEDIUM if malware else Severity.LOW,
    )


def _about(name: str, report: ScanReport) -> str:
    return f"File {name} ({', '.join(_facts(report))})."


def _facts(report: ScanReport) -> Iterator[str]:
    yield report.kind
    yield f"{report.size} bytes"
    for package in report.packages[:1]:
        yield f"package {package.name} {package.version}".strip()
        yield from (f"signed by {signer}" for signer in package.signers[:1])
