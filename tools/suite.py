"""Run pytest; a few tests that failed beside others are run once more, alone: `suite.py ARGUMENT...` of pytest.

A test that starts a whole gateway can starve beside others on a busy machine. Such a test is named as unsteady at the
end, so that somebody mends it. What fails alone too is a failure, and more than three failures are never a coincidence.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KEPT = Path(".pytest_cache/v/cache/lastfailed")  # of the run just made: the names of what failed
FEW = 3
_FAILED = 1  # pytest's exit code when tests ran and some failed


def pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", "-rsfE", *arguments], check=False).returncode  # noqa: S603


def failed() -> list[str]:
    return sorted(json.loads(KEPT.read_text())) if KEPT.exists() else []


def main(arguments: list[str]) -> int:
    KEPT.unlink(missing_ok=True)
    code = pytest(*arguments)
    first = failed()
    if code != _FAILED or not 1 <= len(first) <= FEW:
        return code
    print(f"{len(first)} failed beside others; once more, alone:", flush=True)
    code = pytest(*arguments, "-n", "0", "--last-failed", "--cov-append")
    if code == 0:
        print("UNSTEADY: failed beside others, passed alone:", *first, sep="\n  ")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
