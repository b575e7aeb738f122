"""What every test may rely on: where large data lies, and how a missing part is treated.

A test that needs a system program or large data asks `require_program` or `large_data`. Where the part is missing the
test is skipped and says why; under CI (`CI=true`) it fails, because there `.ci/packages` has installed it.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Machines are shared and slow at times: how long an example takes says nothing about the code. Examples are derived
# from the test, so that a failure is met again by running it again.
settings.register_profile("seawall", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("seawall")

# A shell's job in the background ignores Ctrl-C, and so would every program that a test starts there and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent

_LONG = 32  # bytes that still tell a reader something


def pytest_collection_finish() -> None:
    """Set aside what the modules are made of, so that no collection walks it again: resolvers begin with a full one."""
    gc.collect()
    gc.freeze()


def _missing(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def require_program() -> Callable[..., str]:
    """Return a function that gives a program's path, or skips (fails under CI), naming the Debian package."""

    def find(name: str, package: str = "") -> str:
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/bin")
        if not path:
            _missing(f"needs `{name}` (Debian package {package or name})")
        return path or ""

    return find


@pytest.fixture(scope="session")
def large_data() -> Callable[[str], Path]:
    """Return a function that gives a file or folder of the shared data, such as `vectors/tests.txt`.

    It is looked for in `SEAWALL_TEST_DATA` and then in `../shared` beside the checkout.
    """

    def find(name: str) -> Path:
        for folder in (os.environ.get("SEAWALL_TEST_DATA"), ROOT.parent / "shared"):
            if folder and (Path(folder) / name).exists():
                return Path(folder) / name
        _missing(f"needs the shared data file {name}: set SEAWALL_TEST_DATA to the folder that holds it")
        raise AssertionError

    return find


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name long bytes by their length: all workers must find the same names, and what is packed holds its time."""
    return f"{len(val)} bytes" if isinstance(val, bytes) and len(val) > _LONG else None
