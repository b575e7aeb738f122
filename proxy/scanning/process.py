"""One scan process: `python -m proxy.scanning.process SETTINGS SLOT` reads a request a line and answers a line of JSON.

A request is `{"name": …, "size": …}`, the answer a report or `{"error": …}`. It says `{"ready": true}` once its rules
are compiled and ends with its input. The file to be scanned lies in a slot whose descriptor it was given at its start:
it opens nothing and, but for what lies in the slot, holds nothing between scans.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from typing import Any, TextIO

from addons.scanning.clamd import Clamd
from addons.scanning.rules import RulesError, YaraRules, rule_files
from addons.scanning.scan import FileScan
from proxy.scanning.settings import ScanSettings, read
from proxy.scanning.slot import Window

_NICE = 10


def serve(settings: ScanSettings, slot: Window, requests: TextIO, answers: TextIO) -> int:
    """Answer requests until their end. Returns the exit code: 2 when the rules cannot be used."""
    try:
        scan = _scan(settings)
    except RulesError as error:
        _say(answers, {"error": str(error)})
        return 2
    gc.freeze()  # what is there now stays; going through it after each file took as long as the file
    _say(answers, {"ready": True})
    for line in requests:
        _say(answers, _answer(scan, slot, line))
        gc.collect()  # a report's cycles may hold whole members
    return 0


def _scan(settings: ScanSettings) -> FileScan:
    sources = rule_files(settings.rules)
    return FileScan(
        settings.limits,
        YaraRules(sources) if sources else None,
        Clamd(settings.clamd) if settings.clamd else None,
    )


def _answer(scan: FileScan, slot: Window, line: str) -> dict[str, Any]:
    try:
        asked = json.loads(line)
        return scan.scan(asked["name"], slot.show(asked["size"])).as_json()
    except MemoryError:
        return {"error": "the file needs more memory than a scan may have"}
    except Exception as error:  # a hostile file makes a parser raise whatever it likes
        return {"error": f"the scan failed ({type(error).__name__}: {error})"}


def _say(answers: TextIO, told: dict[str, Any]) -> None:
    answers.write(json.dumps(told) + "\n")
    answers.flush()


def _confine(memory: int) -> None:
    """Bound memory, write no core, and give way to what answers people."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICE)


def main() -> int:
    """Run as a process of its own."""
    settings = read(sys.argv[1])
    _confine(settings.memory)
    try:
        return serve(settings, Window(int(sys.argv[2])), sys.stdin, sys.stdout)
    except (KeyboardInterrupt, BrokenPipeError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
