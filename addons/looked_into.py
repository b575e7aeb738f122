"""Have a withheld body looked into, and hold what that gives until it is judged. Decides nothing.

Without a scanner a body is hashed, which is the least that hash indicators need.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.message import Message
from typing import Protocol
from urllib.parse import unquote

from mitmproxy import http

from addons.bodies import digests, plain, strongest, weaker
from addons.scanning.kinds import group_of, kind_of
from addons.scanning.outcome import ScanPolicy
from addons.scanning.report import ScanError, ScanReport, Weight

_IN_A_THREAD = 256 * 1024  # bytes; hashing more than this would hold the loop up
_LONGEST_NAME = 120  # characters


class Scanner(Protocol):
    """Scan a file. Raises ScanError."""

    async def scan(self, name: str, body: bytes, sha256: str) -> ScanReport:
        """Return what the file of this hash holds."""
        ...


@dataclass(frozen=True, slots=True)
class LookedInto:
    """Hold a file's own hashes, the report of its scan, and why there is none where there should be one."""

    name: str
    hashes: tuple[str, ...]
    report: ScanReport | None = None
    failure: str = ""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return why the file was not looked into to its end, in few words that do not vary; nothing where it was."""
        if self.failure or (self.report and self.report.failures):
            return ("its scan failed",)
        opaque = [found.name for found in self.report.findings if found.weight is Weight.OPAQUE] if self.report else []
        return tuple(dict.fromkeys(opaque))


async def look_into(
    response: http.Response, body: bytes, name: str, limit: int, scanner: Scanner | None, policy: ScanPolicy
) -> LookedInto:
    """Hash a body and have it scanned if it is of a kind that policy names; never raise for what it holds."""
    encoding = response.headers.get("content-encoding", "")
    if len(body) > _IN_A_THREAD and not encoding and scanner is not None:
        return await _side_by_side(body, name, scanner, policy)
    if len(body) <= _IN_A_THREAD and not encoding:
        hashes, wanted, failure = _looked(body, encoding, limit, policy if scanner else None)
    else:
        hashes, wanted, failure = await asyncio.to_thread(_looked, body, encoding, limit, policy if scanner else None)
    if scanner is None or wanted is None:
        return LookedInto(name, hashes, failure=failure)
    report, failure = await _scanned(name, wanted, hashes[0], scanner, policy)
    return LookedInto(name, hashes, report, failure)


async def _side_by_side(body: bytes, name: str, scanner: Scanner, policy: ScanPolicy) -> LookedInto:
    """Hash a long body by SHA-1 and MD5 while it is scanned: both take as long, and only SHA-256 names it."""
    strong, wanted = await asyncio.to_thread(lambda: (strongest(body), group_of(kind_of(body)) in policy.kinds))
    async with asyncio.TaskGroup() as group:
        weak = group.create_task(asyncio.to_thread(weaker, body))
        scan = group.create_task(_scanned(name, body, strong, scanner, policy)) if wanted else None
    report, failure = scan.result() if scan else (None, "")
    return LookedInto(name, (strong, *weak.result()), report, failure)


async def _scanned(
    name: str, body: bytes, sha256: str, scanner: Scanner, policy: ScanPolicy
) -> tuple[ScanReport | None, str]:
    """Return the report, or why there is none."""
    try:
        async with asyncio.timeout(policy.hold):
            return await scanner.scan(name, body, sha256), ""
    except TimeoutError:
        return None, f"the scan took longer than {policy.hold:.0f} s"
    except ScanError as error:
        return None, str(error)


def file_name(flow: http.HTTPFlow) -> str:
    """Return what the file is called: by Content-Disposition (RFC 6266), else the last part of the path.

    A claim of the sender, for people to recognise the file by; folders and control characters are left out.
    """
    said = Message()
    if flow.response is not None and (header := flow.response.headers.get("content-disposition", "")):
        said["Content-Disposition"] = " ".join(header.split())
    name = said.get_filename("") or unquote(flow.request.path.partition("?")[0])
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable())[:_LONGEST_NAME] or "download"


def _looked(
    body: bytes, encoding: str, limit: int, policy: ScanPolicy | None
) -> tuple[tuple[str, ...], bytes | None, str]:
    """Return a body's hashes, the decoded body if it is to be scanned, and why it cannot be though it should."""
    hashes = digests(body, encoding, limit)
    if policy is None:
        return hashes, None, ""
    decoded = plain(body, encoding, limit)
    what = body if decoded is None else decoded
    if group_of(kind_of(what)) in policy.kinds:  # what cannot be decoded may be an archive all the same: gzip is one
        return hashes, what, ""
    return hashes, None, f"its coding {encoding[:40]!r} cannot be undone" if decoded is None else ""
