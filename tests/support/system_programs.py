"""Programs of the system that keep what they were asked, for tests of what asks them: `ip`, `nft`, `wg`, ..."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

_SCRIPT = """#!{python}
import json, sys
text = sys.stdin.read() if {reads} else ""
with open({log!r}, "a") as log:
    log.write(json.dumps([{name!r}, *sys.argv[1:], text]) + "\\n")
answers = json.load(open({answers!r}))
line = " ".join([{name!r}, *sys.argv[1:]])
for start, (code, out, err) in answers.items():
    if line.startswith(start):
        sys.stdout.write(out); sys.stderr.write(err); sys.exit(code)
"""


class Programs:
    """Stand on PATH alone. `answers` maps the start of a command line to exit code, output and error text."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._log, self._answers = folder / "bin", folder / "asked", folder / "answers"
        self._folder.mkdir()
        self._log.touch()
        self._told: dict[str, tuple[int, str, str]] = {}
        self.answer("", 0)
        monkeypatch.setenv("PATH", str(self._folder))
        monkeypatch.setattr("proxy.firewall.kernel._SBIN", str(self._folder))

    def add(self, name: str, *, reads: bool = False) -> None:
        """Install a program."""
        path = self._folder / name
        path.write_text(
            _SCRIPT.format(
                python=sys.executable, name=name, reads=reads, log=str(self._log), answers=str(self._answers)
            )
        )
        path.chmod(0o755)

    def answer(self, start: str, code: int, out: str = "", err: str = "") -> None:
        """Have command lines that start so answered so, before what was said earlier."""
        self._told = {start: (code, out, err), **{one: said for one, said in self._told.items() if one != start}}
        self._answers.write_text(json.dumps(self._told))

    @property
    def asked(self) -> list[list[str]]:
        """What was run, each with its input last."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    @property
    def lines(self) -> list[str]:
        """What was run, without input."""
        return [" ".join(words[:-1]) for words in self.asked]
