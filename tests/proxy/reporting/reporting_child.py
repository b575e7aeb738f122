"""A process that reports as fast as it can and writes each id it was given to its standard output, unbuffered.

A second argument is the number of rounds after which it only waits to be killed.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from indicators.words import Enforcement
from proxy.reporting.reporter import SpoolReporter
from proxy.reporting.spool import Spool
from tests.proxy.reporting.samples import blocked, seen

folder = Path(sys.argv[1])
spool = Spool(folder, "inspector", segment_size=64 * 1024)
reporter = SpoolReporter(folder, "inspector", "gateway-1", lambda: datetime.now(UTC), spool=spool)
most = int(sys.argv[2]) if len(sys.argv) > 2 else 0
rounds = 0
while True:
    if most and rounds >= most:
        signal.pause()
    rounds += 1
    incident = reporter.report(seen(), blocked(), Enforcement.PAGE)
    os.write(1, f"{incident} 0\n".encode())
    for _ in range(rounds % 4):
        reporter.repeat(incident)
        os.write(1, f"{incident} 1\n".encode())
    if rounds % 10 == 0:
        reporter.flush()
