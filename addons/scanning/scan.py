"""One scan: the file and what it contains, through each engine that is set up. No process, no policy.

An engine that fails is named in the report and the others go on: whether a failure lets pass is decided outside.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from addons.bodies import strongest, weaker
from addons.scanning import apk
from addons.scanning.clamd import Clamd, ClamdError
from addons.scanning.kinds import Kind
from addons.scanning.limits import Limits
from addons.scanning.members import Member, Obstacle, walk
from addons.scanning.report import Engine, Finding, Package, ScanReport, Weight
from addons.scanning.rules import YaraRules
from addons.scanning.unpacking import Trouble
from addons.scanning.windows import Bytes

_MOST_HASHES = 3 * 2_000  # members that are hashed in one file
_WEAK_HASHES_TO = 8 << 20  # bytes; longer members are hashed by SHA-256 alone: MD5 would take longer than all else
_NAMES = {
    Trouble.BOMB: "archive bomb",
    Trouble.ENCRYPTED: "encrypted archive",
    Trouble.DAMAGED: "damaged archive",
    Trouble.TOO_DEEP: "archive nested too deep",
    Trouble.TOO_MANY: "archive with too many members",
    Trouble.SEALED: "archive that cannot be opened here",
}


class FileScan:
    """Scan files with the engines that it is given."""

    def __init__(self, limits: Limits, rules: YaraRules | None = None, clamd: Clamd | None = None) -> None:
        self._limits = limits
        self._rules = rules
        self._clamd = clamd

    def scan(self, name: str, data: Bytes, clock: Callable[[], float] = time.monotonic) -> ScanReport:
        """Scan one file. Past its time, what is left is not looked into and the report is not complete.

        The file itself is not hashed, its members are: whoever holds the file has judged its hashes.
        """
        work = _Work(clock() + self._limits.seconds, clock)
        kind = Kind.OTHER
        for number, found in enumerate(walk(name, data, self._limits)):
            if isinstance(found, Obstacle):
                work.met(found)
                continue
            if number == 0:
                kind = found.kind
            else:
                work.hashed(found.data)
            if work.left() <= 0:
                work.fail("time limit: the file was not looked into to its end")
                break
            self._look(found, work)
        if self._clamd is not None and work.left() > 0:
            self._ask_clamd(self._clamd, name, data, work)
        return work.report(kind, len(data))

    def _look(self, member: Member, work: _Work) -> None:
        if member.kind is Kind.APK:
            work.package(member)
        if self._rules is None:
            return
        try:
            work.findings += self._rules.matches(member.path, member.data, work.left())
        except TimeoutError as error:
            work.fail(f"yara: {error}")

    @staticmethod
    def _ask_clamd(clamd: Clamd, name: str, data: Bytes, work: _Work) -> None:
        try:
            if found := clamd.look(name, data, work.left()):
                work.findings.append(found)
        except ClamdError as error:
            work.fail(str(error))


class _Work:
    """Collect what one scan finds."""

    def __init__(self, until: float, clock: Callable[[], float]) -> None:
        self.findings: list[Finding] = []
        self._until = until
        self._clock = clock
        self._hashes: list[str] = []
        self._packages: list[Package] = []
        self._failures: list[str] = []
        self._complete = True

    def left(self) -> float:
        """Return the seconds that are left."""
        return self._until - self._clock()

    def hashed(self, data: Bytes) -> None:
        """Note a file's digests, the strongest first."""
        if len(self._hashes) < _MOST_HASHES:
            self._hashes.append(strongest(data))
            if len(data) <= _WEAK_HASHES_TO:
                self._hashes += weaker(data)

    def met(self, obstacle: Obstacle) -> None:
        """Note what could not be looked into."""
        self._complete = False
        name = _NAMES[obstacle.trouble]
        reason = f"{obstacle.path} {obstacle.trouble}"
        self.findings.append(Finding(Engine.ARCHIVE, name, obstacle.path, Weight.OPAQUE, reason))

    def package(self, member: Member) -> None:
        """Note what a package says of itself."""
        try:
            package = apk.package_of(member.data)
        except apk.ManifestError as error:
            self._complete = False
            self.findings.append(
                Finding(Engine.APK, "unreadable manifest", member.path, Weight.OPAQUE, f"{member.path}: {error}")
            )
            return
        self._packages.append(package)
        self.findings += apk.suspicious(package, member.path)

    def fail(self, reason: str) -> None:
        """Note an engine that could not do its work."""
        self._complete = False
        self._failures.append(reason)

    def report(self, kind: Kind, size: int) -> ScanReport:
        """Return what was found, each finding once, the gravest first."""
        order = list(Weight)
        return ScanReport(
            kind=kind,
            size=size,
            hashes=tuple(self._hashes),
            findings=tuple(sorted(dict.fromkeys(self.findings), key=lambda found: order.index(found.weight))),
            packages=tuple(self._packages),
            complete=self._complete,
            failures=tuple(dict.fromkeys(self._failures)),
        )
