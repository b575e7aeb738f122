"""Judge again what is open in this process whenever something else is known; end and report what may pass no longer.

A verdict counts when something begins, and a call, a download or a tunnel may last for hours. What is open, by what it
was judged and how it is ended is each process's own: it gives these as pairs. They are gone through a slice at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog

from indicators.observation import Observation
from indicators.ports import Reporter
from indicators.verdict import Verdict
from indicators.words import Enforcement
from proxy.policy_port import Policies

LOOK = 0.25  # seconds between looks; each compares two numbers
SLICE = 256  # judged before others get their turn

type Open = tuple[Observation, Callable[[], object]]
"""What was seen of something that is open, and what ends it."""
type Stopped = tuple[Observation, Verdict]

log = structlog.get_logger("judging")


async def judge_again(policy: Policies, reporter: Reporter, opened: Callable[[], Iterable[Open]]) -> None:
    """Look at all that is open after each change, until cancelled. `opened` leaves out what has ended meanwhile."""
    judged = policy.epoch
    while True:
        await asyncio.sleep(LOOK)
        if policy.epoch != judged:
            judged = policy.epoch
            stopped = await end_stopped(opened(), policy.judge)
            if stopped:
                log.info("open connections ended that are blocked now", count=len(stopped))
                _tell(reporter, stopped)


async def end_stopped(opened: Iterable[Open], judge: Callable[[Observation], Verdict]) -> list[Stopped]:
    """End what is stopped now; return what that was, with the reason."""
    stopped: list[Stopped] = []
    for number, (seen, end) in enumerate(opened, start=1):
        verdict = judge(seen)
        if verdict.stops:
            stopped.append((seen, verdict))
            end()
        if number % SLICE == 0:
            await asyncio.sleep(0)
    return stopped


def _tell(reporter: Reporter, stopped: Iterable[Stopped]) -> None:
    """Report what was ended: one event for each device and destination, and how often."""
    told: dict[tuple[str, str], str] = {}
    for seen, verdict in stopped:
        key = (seen.device.id, seen.destination)
        if key in told:
            reporter.repeat(told[key])
        else:
            told[key] = reporter.report(seen, verdict, Enforcement.RESET)
