"""Looking into a body: its hashes and its report, whatever its length, and why there is no report."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from mitmproxy import http

from addons import harmless
from addons.looked_into import _IN_A_THREAD, look_into
from addons.scanning.kinds import Kind
from addons.scanning.outcome import ScanPolicy
from addons.scanning.report import ScanError, ScanReport

POLICY = ScanPolicy(hold=5.0)
LONG = harmless.zipped() + bytes(_IN_A_THREAD)


class FakeScanner:
    """Give a report, or fail, or never answer."""

    def __init__(self, problem: BaseException | None = None, hangs: bool = False) -> None:
        self.problem = problem
        self.hangs = hangs
        self.asked: list[tuple[str, bytes, str]] = []

    async def scan(self, name: str, body: bytes, sha256: str) -> ScanReport:
        self.asked.append((name, body, sha256))
        if self.hangs:
            await asyncio.Event().wait()
        if self.problem is not None:
            raise self.problem
        return ScanReport(Kind.ZIP, len(body), ())


def hashes(body: bytes) -> tuple[str, ...]:
    return tuple(hashlib.new(name, body).hexdigest() for name in ("sha256", "sha1", "md5"))


@pytest.mark.parametrize("body", [harmless.zipped(), LONG], ids=["short", "long"])
async def test_a_file_is_hashed_and_scanned(body: bytes) -> None:
    scanner = FakeScanner()
    found = await look_into(http.Response.make(), body, "a.zip", 1 << 30, scanner, POLICY)
    assert found.hashes == hashes(body)
    assert found.report == ScanReport(Kind.ZIP, len(body), ())
    assert scanner.asked == [("a.zip", body, hashes(body)[0])]
    assert (found.left_out, found.failure) == ((), "")


@pytest.mark.parametrize("body", [b"plain words", b"plain words" * _IN_A_THREAD], ids=["short", "long"])
async def test_what_policy_does_not_name_is_hashed_only(body: bytes) -> None:
    scanner = FakeScanner()
    found = await look_into(http.Response.make(), body, "a", 1 << 30, scanner, POLICY)
    assert (found.hashes, found.report, found.failure, scanner.asked) == (hashes(body), None, "", [])
    without = await look_into(http.Response.make(), body, "a", 1 << 30, None, POLICY)
    assert (without.hashes, without.report) == (hashes(body), None)


@pytest.mark.parametrize("body", [harmless.zipped(), LONG], ids=["short", "long"])
async def test_why_there_is_no_report_is_said_and_the_hashes_stand(body: bytes) -> None:
    failing = FakeScanner(ScanError("the scan process has ended"))
    found = await look_into(http.Response.make(), body, "a.zip", 1 << 30, failing, POLICY)
    assert (found.hashes, found.report, found.failure) == (hashes(body), None, "the scan process has ended")
    hold = ScanPolicy(hold=0.01)
    found = await look_into(http.Response.make(), body, "a.zip", 1 << 30, FakeScanner(hangs=True), hold)
    assert (found.report, found.failure) == (None, "the scan took longer than 0 s")
