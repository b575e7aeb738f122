"""`python -m proxy.cli` is the command line too."""

from __future__ import annotations

import importlib
import subprocess
import sys

from proxy.cli import main


def test_it_is_the_same_command() -> None:
    assert importlib.import_module("proxy.cli.__main__").main is main
    done = subprocess.run([sys.executable, "-m", "proxy.cli", "--version"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith("seawall, version ")
