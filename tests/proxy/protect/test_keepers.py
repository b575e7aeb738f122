"""A keeper is started, and heard to have begun or not."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from proxy.protect import keepers

_SPEAKS = "import sys, time\nprint('begun', flush=True)\nopen(sys.argv[1], 'w').close()\ntime.sleep(60)\n"
_SILENT = "import os, sys, time\nopen(sys.argv[1], 'w').write(str(os.getpid()))\ntime.sleep(60)\n"


@pytest.fixture
def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a module `some_keeper`."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "some_keeper.py"


def _children(word: str) -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if word in " ".join(one.cmdline())]


def test_one_that_speaks_goes_on(keeper: Path) -> None:
    keeper.write_text(_SPEAKS)
    assert keepers.begins("some_keeper", str(keeper.with_name("told")))
    (running,) = _children("some_keeper")
    running.kill()
    running.wait(20)


@pytest.mark.parametrize(("text", "patience"), [("", 20.0), (_SILENT, 0.0)], ids=["ends", "silent"])
def test_one_that_does_not_speak_is_ended(
    keeper: Path, monkeypatch: pytest.MonkeyPatch, text: str, patience: float
) -> None:
    keeper.write_text(text)
    monkeypatch.setattr(keepers, "STARTED_WITHIN", patience)
    assert not keepers.begins("some_keeper", str(keeper.with_name("told")))
    psutil.wait_procs(psutil.Process().children(), timeout=20)
    assert _children("some_keeper") == []


def test_it_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    say = keepers.said_once("kept")
    say()
    say()
    assert capsys.readouterr().out == "kept\n"
