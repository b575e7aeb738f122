from __future__ import annotations

import os
from pathlib import Path

import pytest

from proxy.supervisor.lock import StateLock, StateLockedError


def test_one_at_a_time_and_the_other_is_told_who(tmp_path: Path) -> None:
    first = StateLock(tmp_path)
    with pytest.raises(StateLockedError, match=rf"process {os.getpid()}\).*`state_dir`"):
        StateLock(tmp_path)
    first.release()
    StateLock(tmp_path).release()
