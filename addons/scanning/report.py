"""What a scan reports: values only, and their JSON, which crosses from the scan process. Nothing is decided here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class ScanError(RuntimeError):
    """A file could not be scanned; the text says why."""


class Engine(StrEnum):
    """Name what found something."""

    YARA = "yara"
    APK = "apk"
    CLAMD = "clamd"
    ARCHIVE = "archive"


class Weight(StrEnum):
    """Say what a finding amounts to: malware is blocked, suspicious is warned of, opaque follows its own policy."""

    MALWARE = "malware"
    SUSPICIOUS = "suspicious"
    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one finding: which engine, the rule or sign's name, where in the file, and why in words."""

    engine: Engine
    name: str
    path: str
    weight: Weight
    reason: str


@dataclass(frozen=True, slots=True)
class Package:
    """Tell of an Android package what its manifest and signature say."""

    name: str
    version: str = ""
    permissions: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()  # SHA-1 thumbprints of certificates, lower-case hex


@dataclass(frozen=True, slots=True)
class ScanReport:
    """Hold what one scan found.

    `hashes` are of each member, SHA-256, SHA-1 and MD5 in this order, lower-case hex; long ones have no weak ones.
    `complete` is false where a part was not looked into; `failures` name engines that could not do their work.
    """

    kind: str
    size: int
    hashes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    packages: tuple[Package, ...] = ()
    complete: bool = True
    failures: tuple[str, ...] = ()

    @property
    def signers(self) -> tuple[str, ...]:
        """Return the thumbprints of who signed the packages, each once."""
        return tuple(dict.fromkeys(signer for package in self.packages for signer in package.signers))

    def as_json(self) -> dict[str, Any]:
        """Return the form that crosses between processes."""
        return asdict(self)


def report_of(held: dict[str, Any]) -> ScanReport:
    """Read what `as_json` gave, after JSON made lists of its tuples."""
    return ScanReport(
        kind=held["kind"],
        size=held["size"],
        hashes=tuple(held["hashes"]),
        findings=tuple(
            Finding(Engine(one["engine"]), one["name"], one["path"], Weight(one["weight"]), one["reason"])
            for one in held["findings"]
        ),
        packages=tuple(
            Package(one["name"], one["version"], tuple(one["permissions"]), tuple(one["signers"]))
            for one in held["packages"]
        ),
        complete=held["complete"],
        failures=tuple(held["failures"]),
    )
