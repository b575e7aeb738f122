"""Tell a process that burns CPU for nothing from one that is busy. It only looks at numbers, and ends nobody.

Both use all of a core. A busy inspector does a great deal for it: with all that it may do on a connection (handshakes,
pages, files hashed and unpacked) a step costs a millisecond or so of CPU. One that runs in circles beside its clients'
few steps uses many times as much for each.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW = 60.0  # seconds; a start, a large file or a burst is over by then
MOST_SHARE = 0.8  # of one core, on average over the window
LEAST_WORK = 20  # steps for each second of CPU: 50 ms for one, dozens of times what they cost, also on a slow machine


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float  # seconds, monotonic
    cpu: float  # seconds, since the process began
    work: int  # steps, since the process began


class Burning:
    """Remember what one process has used and done, through all its starts."""

    def __init__(self) -> None:
        self._pid = 0
        self._samples: deque[_Sample] = deque()

    def is_seen(self, pid: int, at: float, cpu: float, work: int) -> bool:
        """Take a sample, and say whether the window's CPU is more than its work explains.

        Take one only when the process has told of its work anew: what was done and not told yet would look like none.
        """
        if pid != self._pid:
            self._pid = pid
            self._samples.clear()
        samples = self._samples
        samples.append(_Sample(at, cpu, work))
        while len(samples) > 1 and at - samples[1].at >= WINDOW:
            samples.popleft()
        first = samples[0]
        if at - first.at < WINDOW:
            return False
        used = cpu - first.cpu
        return used >= MOST_SHARE * (at - first.at) and work - first.work < LEAST_WORK * used
