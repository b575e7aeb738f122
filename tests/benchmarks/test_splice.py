"""What the benchmark of spliced connections counts."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.splice import cpu_of

_BURN = "import time\nwhile time.process_time() < 0.3: pass"


def test_the_cpu_time_of_a_child_that_has_ended_counts() -> None:
    before = cpu_of(os.getpid())
    subprocess.run([sys.executable, "-c", _BURN], check=True, timeout=60)
    assert cpu_of(os.getpid()) - before > 0.25  # the system counts in hundredths of a second
