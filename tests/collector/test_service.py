"""The service binds where it is told, says so when it cannot, and sweeps in the background."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace
from datetime import timedelta

import pytest

from collector import sweeper
from collector.app import now
from collector.service import CollectorService
from collector.store.database import StoreUnavailableError
from tests.support.events import verdict


async def test_a_taken_port_is_said(collector_settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = CollectorService(replace(collector_settings, port=taken.getsockname()[1]))
        with pytest.raises(OSError, match="address already in use"):
            await service.start()


async def test_no_database_no_service(collector_settings):
    service = CollectorService(replace(collector_settings, database_url="sqlite:////nonexistent/x"))
    with pytest.raises(StoreUnavailableError):
        await service.start()


async def test_old_alerts_are_swept_while_it_runs(running, monkeypatch):
    await running.deliver(verdict())
    running.clock.advance(days=91)
    monkeypatch.setattr(sweeper, "_PAUSE", 0.01)
    task = asyncio.create_task(sweeper._sweep_often(running.service._app))
    async with asyncio.timeout(10):
        while (await running.ask("GET", "/api/alerts"))[1]["value"]:
            pass
    await _ended(task)


async def test_a_sweep_that_fails_is_tried_again(running, monkeypatch, caplog):
    calls = asyncio.Event()

    async def fail_once(*_: object) -> int:
        if not calls.is_set():
            calls.set()
            raise StoreUnavailableError("no disk")
        return 2

    caplog.set_level("INFO")
    monkeypatch.setattr(sweeper, "sweep", fail_once)
    monkeypatch.setattr(sweeper, "_PAUSE", 0)
    task = asyncio.create_task(sweeper._sweep_often(running.service._app))
    async with asyncio.timeout(10):
        while "removed 2 rows" not in caplog.text:
            await asyncio.sleep(0)
    assert not task.done()
    await _ended(task)
    assert "no disk" in caplog.text


async def _ended(task):
    """Wait for the end too: a statement that is cut off in the middle would hold the database's close up."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("::1", "http://[::1]:0"),
        ("0.0.0.0", "http://127.0.0.1:0"),
        ("::", "http://[::1]:0"),
        ("10.0.0.1", "http://10.0.0.1:0"),
    ],
)
def test_addresses_are_such_that_a_browser_can_open_them(collector_settings, host, url):
    assert CollectorService(replace(collector_settings, host=host)).url == url


def test_the_clock_is_aware():
    assert now().utcoffset() == timedelta(0)
