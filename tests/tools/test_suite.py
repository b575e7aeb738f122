"""The run of the suite: a few unsteady tests get a second try alone and are named; failures stay failures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).parents[2] / "tools" / "suite.py"
_STEADY = "def test_steady():\n    assert True\n"
_UNSTEADY = """
from pathlib import Path

def test_unsteady():
    met = Path("met")
    again = met.exists()
    met.touch()
    assert again
"""
_WRONG = "def test_wrong_{0}():\n    assert False\n"


@pytest.mark.parametrize(
    ("tests", "code", "said", "unsaid"),
    [
        pytest.param([_STEADY], 0, "1 passed", "once more", id="nothing failed"),
        pytest.param(
            [_STEADY, _UNSTEADY], 0, "UNSTEADY: failed beside others, passed alone:\n  ", "2 failed", id="unsteady"
        ),
        pytest.param(
            [_UNSTEADY, _WRONG.format(1)], 1, "2 failed beside others; once more", "UNSTEADY", id="one is wrong"
        ),
        pytest.param([_WRONG.format(n) for n in range(4)], 1, "4 failed", "once more", id="too many"),
        pytest.param(["import nowhere_at_all\n"], 2, "1 error", "once more", id="does not load"),
    ],
)
def test_a_second_try_alone(tests: list[str], code: int, said: str, unsaid: str, tmp_path: Path) -> None:
    (tmp_path / "test_all.py").write_text("\n".join(tests))
    ran = subprocess.run(
        [sys.executable, str(SUITE), "-q", "test_all.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, said in ran.stdout, unsaid in ran.stdout) == (code, True, False), ran.stdout
