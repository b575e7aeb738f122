"""The pool scans in real processes: bounded in time and number, and nothing is left behind."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import psutil
import pytest

from addons import harmless
from addons.scanning.limits import Limits
from addons.scanning.report import ScanError
from proxy.scanning import pool as pool_module
from proxy.scanning.pool import ScanPool
from proxy.scanning.settings import ScanSettings
from proxy.scanning.slot import Slot

RULE = 'rule test_file { strings: $a = "EICAR-STANDARD" condition: $a }'


def hashed(body: bytes) -> tuple[bytes, str]:
    return body, sha256(body).hexdigest()


@asynccontextmanager
async def running(folder: Path, settings: ScanSettings | None = None, **sizes: int) -> AsyncIterator[ScanPool]:
    pool = ScanPool(settings or ScanSettings(), folder / "scans", **sizes)
    try:
        yield pool
    finally:
        await pool.close()
    assert scanning() == []


def descriptors() -> int:
    return psutil.Process().num_fds()


def scanning() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "proxy.scanning.process" in child.cmdline()]


async def test_a_file_is_scanned_in_a_process_that_is_used_again(tmp_path: Path) -> None:
    (tmp_path / "a.yar").write_text(RULE)
    async with running(tmp_path, ScanSettings(rules=(tmp_path / "a.yar",))) as pool:
        first = await pool.scan("eicar.zip", *hashed(harmless.zipped()))
        before = scanning()
        await pool.scan("other", *hashed(b"other"))
        assert scanning() == before
        assert len(before) == 1
    assert [found.path for found in first.findings] == ["eicar.zip/eicar.com"]


async def test_a_known_file_is_not_scanned_again(tmp_path: Path) -> None:
    async with running(tmp_path) as pool:
        first = await pool.scan("a", *hashed(b"data"))
        scanning()[0].kill()  # a second scan would fail
        assert await pool.scan("b", *hashed(b"data")) is first


async def test_a_process_that_died_is_replaced(tmp_path: Path) -> None:
    async with running(tmp_path) as pool:
        await pool.scan("a", *hashed(b"1"))
        died = scanning()[0]
        died.kill()
        with pytest.raises(ScanError, match="has ended"):
            await pool.scan("b", *hashed(b"2"))
        assert (await pool.scan("b", *hashed(b"2"))).size == 1
        assert scanning() != [died]


async def test_a_scan_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_GRACE", 0.1)
    slow = "rule slow { condition: for all i in (0..100000000000) : (uint8(i % filesize) != 300) }"
    (tmp_path / "slow.yar").write_text(slow)
    settings = ScanSettings(Limits(seconds=0.5), (tmp_path / "slow.yar",))
    async with running(tmp_path, settings) as pool:
        with pytest.raises(ScanError, match="took longer"):
            await pool.scan("a", *hashed(b"data"))


async def test_rules_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yar").write_text("rule {")
    async with running(tmp_path, ScanSettings(rules=(tmp_path / "bad.yar",))) as pool:
        with pytest.raises(ScanError, match=r"bad\.yar"):
            await pool.scan("a", *hashed(b"data"))


async def test_more_files_than_may_wait_are_refused_and_the_others_scanned(tmp_path: Path) -> None:
    async with running(tmp_path, processes=2, waiting=1) as pool:
        files = [pool.scan(f"{n}", *hashed(bytes([n]))) for n in range(5)]
        done = await asyncio.gather(*files, return_exceptions=True)
        refused = [str(one) for one in done if isinstance(one, ScanError)]
        assert refused == ["3 files are being scanned or wait for it"] * 2
        assert len(scanning()) <= 2


async def test_a_scan_that_is_given_up_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing, write = threading.Event(), Slot.write

    def told(self: Slot, body: bytes) -> None:
        writing.set()
        write(self, body)

    async with running(tmp_path) as pool:
        await pool.scan("warm", *hashed(b"0"))
        before = descriptors()
        monkeypatch.setattr(Slot, "write", told)
        task = asyncio.create_task(pool.scan("a", *hashed(b"x" * 5_000_000)))
        while not writing.is_set():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await pool.scan("b", *hashed(b"after"))).size == 5
        assert descriptors() == before


async def test_of_many_reports_the_latest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_REMEMBERED", 1)
    async with running(tmp_path) as pool:
        first = await pool.scan("a", *hashed(b"1"))
        second = await pool.scan("b", *hashed(b"2"))
        assert await pool.scan("b", *hashed(b"2")) is second
        assert await pool.scan("a", *hashed(b"1")) is not first


async def test_an_answer_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_MAX_ANSWER", 100)
    async with running(tmp_path) as pool:
        with pytest.raises(ScanError, match="too long"):
            await pool.scan("a", *hashed(harmless.zipped()))


async def test_a_process_that_does_not_start_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_START_WITHIN", 0.0)
    async with running(tmp_path) as pool:
        with pytest.raises(ScanError, match="took longer than 0 s"):
            await pool.scan("a", *hashed(b"data"))


async def test_a_place_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    (tmp_path / "scans").write_text("a file")
    async with running(tmp_path) as pool:
        with pytest.raises(ScanError, match="no place for files to be scanned: "):
            await pool.scan("a", *hashed(b"data"))


async def test_a_file_that_cannot_be_handed_over_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Slot, body: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = descriptors()
    async with running(tmp_path) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(Slot, "write", full)
            with pytest.raises(ScanError, match="cannot be written for the scan: No space"):
                await pool.scan("a", *hashed(b"data"))
        assert scanning() == []
        assert descriptors() == before
        assert (await pool.scan("a", *hashed(b"data"))).size == 4


async def test_a_process_that_cannot_be_launched_leaves_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descriptors()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    async with running(tmp_path) as pool:
        with pytest.raises(FileNotFoundError):
            await pool.scan("a", *hashed(b"data"))
    assert descriptors() == before
