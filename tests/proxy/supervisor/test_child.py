from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.roles import Role
from proxy.supervisor import child as module
from proxy.supervisor.child import Child, worker_command
from tests.support.gateway import wait_for

ROLE = Role("stub", "nowhere:serve")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAITS", (0.0, 0.01))
    monkeypatch.setattr(module, "_GRACE", 1.0)


def make(code: str, echo: Callable[[str], None] | None = None) -> Child:
    return Child(ROLE, [sys.executable, "-u", "-c", code], echo or (lambda _: None))


async def test_a_child_is_started_anew_until_stopped() -> None:
    lines: list[str] = []
    child = make("import time; print('here'); time.sleep(60)", lines.append)
    running = asyncio.create_task(child.run())
    await wait_for(lambda: lines)
    first = child.pid
    child.ready.set()
    os.kill(first, signal.SIGKILL)
    await wait_for(lambda: len(lines) == 2)
    assert child.pid not in (0, first)
    assert child.restarts == 1
    assert not child.ready.is_set()
    await child.stop()
    await asyncio.wait_for(running, 20)
    assert child.pid == 0
    await child.stop()  # twice is harmless


async def test_output_is_passed_on_with_its_role_and_without_control_characters() -> None:
    lines: list[str] = []
    child = make(r"import sys; print('a\x1b[2J'); print('to error', file=sys.stderr); sys.stdout.flush()", lines.append)
    running = asyncio.create_task(child.run())
    await wait_for(lambda: len(lines) >= 2)
    await child.stop()
    await running
    assert "stub      | a\N{REPLACEMENT CHARACTER}[2J" in lines
    assert "stub      | to error" in lines
    assert "to error" in child.last_words


async def test_an_endless_line_is_dropped_and_the_next_is_read() -> None:
    lines: list[str] = []
    child = make(f"print('x' * {3 * module._MAX_LINE}); print('after'); import time; time.sleep(60)", lines.append)
    running = asyncio.create_task(child.run())
    await wait_for(lambda: any(line.endswith("after") for line in lines))
    await child.stop()
    await running


async def test_a_child_that_will_not_end_is_killed() -> None:
    lines: list[str] = []
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    child = make(code, lines.append)
    running = asyncio.create_task(child.run())
    await wait_for(lambda: lines)
    await child.stop()
    await asyncio.wait_for(running, 20)


async def test_a_cancelled_supervisor_leaves_no_child() -> None:
    import psutil

    lines: list[str] = []
    child = make("import time; print('here'); time.sleep(60)", lines.append)
    running = asyncio.create_task(child.run())
    await wait_for(lambda: lines)
    pid = child.pid
    running.cancel()
    await asyncio.wait({running})
    await wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


async def test_lines_go_to_standard_error_as_a_rule(capfd: pytest.CaptureFixture[str]) -> None:
    child = Child(ROLE, [sys.executable, "-u", "-c", "print('hello'); import time; time.sleep(60)"])
    running = asyncio.create_task(child.run())
    await wait_for(lambda: child.last_words)
    await child.stop()
    await running
    assert "stub      | hello" in capfd.readouterr().err


def test_the_command_names_role_configuration_and_state() -> None:
    command = worker_command(ROLE, Path("/c.yaml"), Path("/state"), "info")
    assert command[1:4] == ["-m", "proxy.worker", "stub"]
    assert command[4:] == "--config /c.yaml --state /state --log-level info --serve nowhere:serve".split()


async def test_a_process_that_cannot_be_started_is_tried_again() -> None:
    child = Child(ROLE, ["/nowhere/python"], lambda _: None)
    running = asyncio.create_task(child.run())
    await wait_for(lambda: child.restarts >= 2)
    await child.stop()
    await asyncio.wait_for(running, 20)
