"""A hook that fails closes or lets pass, as policy says, whether it waits or not."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from addons.guarded import guarded
from indicators.words import OnError

done: list[str] = []


def close(data: object) -> None:
    done.append(f"closed {data}")


def let_pass(data: object) -> None:
    done.append(f"let {data} pass")


class Gate:
    def __init__(self, on_error: OnError, problem: BaseException | None) -> None:
        self.on_error = on_error
        self.problem = problem

    def _work(self) -> None:
        if self.problem is not None:
            raise self.problem
        done.append("judged")

    @guarded(close, let_pass=let_pass)
    def plain(self, data: object) -> None:
        self._work()

    @guarded(close, let_pass=let_pass)
    async def waits(self, data: object) -> None:
        await asyncio.sleep(0)
        self._work()

    @guarded(close, always=True, let_pass=let_pass)
    def always(self, data: object) -> None:
        self._work()


async def run(gate: Gate, hook: str) -> list[str]:
    done.clear()
    said: Any = getattr(gate, hook)("it")
    if inspect.isawaitable(said):
        await said
    return list(done)


@pytest.mark.parametrize(
    ("hook", "on_error", "problem", "expected"),
    [
        ("plain", OnError.CLOSED, None, "judged"),
        ("plain", OnError.CLOSED, ValueError(), "closed it"),
        ("plain", OnError.OPEN, ValueError(), "let it pass"),
        ("waits", OnError.CLOSED, None, "judged"),
        ("waits", OnError.CLOSED, KeyError("x"), "closed it"),
        ("waits", OnError.OPEN, KeyError("x"), "let it pass"),
        ("always", OnError.OPEN, ValueError(), "closed it"),
    ],
)
async def test_what_a_failure_comes_to(
    hook: str, on_error: OnError, problem: Exception | None, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await run(Gate(on_error, problem), hook) == [expected]
    assert (f"hook {hook} failed" in caplog.text) is (problem is not None)


@pytest.mark.parametrize("hook", ["plain", "waits"])
async def test_an_end_that_was_asked_for_is_no_failure(hook: str) -> None:
    with pytest.raises(asyncio.CancelledError):
        await run(Gate(OnError.CLOSED, asyncio.CancelledError()), hook)
    assert done == []


def test_a_hook_that_need_not_wait_costs_no_coroutine() -> None:
    assert Gate(OnError.CLOSED, None).plain("it") is None
