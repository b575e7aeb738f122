"""A corpus of mutated archives and packages: each ends in a verdict in time, and nothing is left behind or fills up."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import os
import random
import time
import zipfile
from collections import Counter
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
import zstandard

from addons import harmless
from addons.scanning.limits import MIB, Limits
from addons.scanning.report import ScanError, ScanReport
from proxy.scanning.pool import ScanPool
from proxy.scanning.settings import ScanSettings
from tests.support.archives import tarred, zipped

_SEED = 8
_FEW = 60
_ALL = 1_000
_LIMITS = Limits(entries=500, nesting=3, member_bytes=8 * MIB, total_bytes=24 * MIB, ratio_from=2 * MIB, seconds=10.0)
_GRACE = 15.0  # seconds beyond the scan's own limit: starting a process again, on a machine that does more
_MOST_LEFT = 64 * MIB  # of files that wait for their scan


def _seeds() -> list[bytes]:
    package = harmless.package()
    inner = zipped(("a.txt", b"words" * 99), ("deep/app.apk", package))
    tar = tarred(("one", b"1" * 700), ("app.apk", package))
    return [
        package,
        harmless.zipped(),
        inner,
        zipped(("in.zip", inner), ("in.tar.gz", gzip.compress(tar)), kind=zipfile.ZIP_STORED),
        zipped(("x", b"words" * 500), kind=zipfile.ZIP_LZMA),
        zipped(("x", b"words" * 500), kind=zipfile.ZIP_BZIP2),
        zipped(("bomb", bytes(12 * MIB))),
        zipped(*((f"{number}", b"") for number in range(600))),
        tar,
        gzip.compress(tar),
        bz2.compress(tar),
        lzma.compress(tar),
        zstandard.compress(tar),
        zstandard.compress(bytes(12 * MIB)),
    ]


def _mutated(chance: random.Random, seeds: list[bytes]) -> bytes:
    """Return one seed after a few changes: bytes, fields of numbers, cuts, repeats, and pieces of another file."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 12)):
        at, span = chance.randrange(len(data)), chance.choice((1, 2, 4, 8, 64))
        match chance.randrange(6):
            case 0:
                data[at : at + span] = chance.randbytes(span)
            case 1:
                data[at : at + span] = chance.choice((b"\0", b"\xff", b"\x7f")) * span
            case 2:
                del data[at : at + span * chance.choice((1, 50))]
            case 3:
                data[at:at] = data[at : at + span * 20] * chance.randint(1, 4)
            case 4:
                other = chance.choice(seeds)
                start = chance.randrange(len(other))
                data[at:at] = other[start : start + 2000]
            case _:
                data[at] ^= 1 << chance.randrange(8)
        data = data or bytearray(b"P")
    return bytes(data)


async def _all_end(folder: Path, count: int) -> Counter[str]:
    chance, seeds = random.Random(_SEED), _seeds()
    (folder / "r.yar").write_text('rule test_file { strings: $a = "EICAR-STANDARD" condition: $a }')
    pool = ScanPool(ScanSettings(_LIMITS, rules=(folder / "r.yar",)), folder / "scans", processes=2)
    ends: Counter[str] = Counter()
    try:
        for _ in range(0, count, 4):
            ends.update(await asyncio.gather(*(_end(pool, _mutated(chance, seeds)) for _ in range(4))))
            assert sum(os.fstat(one).st_size for one in _slots()) <= _MOST_LEFT
            assert len(_processes()) <= 2
    finally:
        await pool.close()
    assert list((folder / "scans").glob("*")) == []
    assert _slots() == []
    assert _processes() == []
    return ends


async def _end(pool: ScanPool, data: bytes) -> str:
    """Scan one file; return how that ended. Anything but a report or a ScanError is a failure of the test."""
    began = time.monotonic()
    try:
        report = await pool.scan("file", data, sha256(data).hexdigest())
    except ScanError as error:
        end = f"refused: {str(error)[:40]}"
    else:
        assert isinstance(report, ScanReport)
        end = "whole" if report.complete else "in part"
    assert time.monotonic() - began < _LIMITS.seconds + _GRACE
    return end


def _slots() -> list[int]:
    """Return the descriptors of ours by which files are handed to scan processes."""
    return [
        int(link.name) for link in Path("/proc/self/fd").iterdir() if link.is_symlink() and "seawall-scan" in _to(link)
    ]


def _to(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # that by which we look
        return ""


def _processes() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "proxy.scanning.process" in child.cmdline()]


async def test_mutated_files_end_in_a_verdict_in_time(tmp_path: Path) -> None:
    ends = await _all_end(tmp_path, _FEW)
    assert sum(ends.values()) == _FEW
    assert {"whole", "in part"} <= set(ends), "both an untroubled and a troubled end are among them"


@pytest.mark.soak
async def test_a_thousand_mutated_files_end_in_a_verdict_in_time(tmp_path: Path) -> None:
    ends = await _all_end(tmp_path, _ALL)
    print(dict(ends))
    assert sum(ends.values()) == _ALL
    refused = sum(count for end, count in ends.items() if end.startswith("refused"))
    assert refused <= _ALL // 100, ends  # a scan that fails is a mistake of a parser, to be mended
