from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from proxy.priority import step_back

_SCRIPT = """
import json, os, threading
from proxy.priority import step_back
def find(into): into.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
going, found = threading.Event(), []
before = os.getpriority(os.PRIO_PROCESS, 0)
older = threading.Thread(target=lambda: (going.wait(), find(found)))
older.start()
step_back(7)
find(found)
going.set(); older.join()
younger = threading.Thread(target=find, args=(found,))
younger.start(); younger.join()
print(json.dumps([one - before for one in found]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere niceness is the process's")
def test_every_thread_steps_back_whenever_it_was_made() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [7, 7, 7]


def test_where_niceness_is_the_processes_no_thread_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "nice", told.append)
    monkeypatch.setattr(os, "setpriority", lambda *_: told.append(-1))
    step_back(7)
    assert told == [7]
