"""Seeded mistakes in each room (tests/data/mutants.toml) make the tests fail that claim to hold the rule.

Each mistake is made in a copy of the tree, never here. A test file that fails there without a mistake proves nothing,
so all are run without one too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("indicators", "addons", "collector", "proxy")
LEAST = 4  # mutants a room
LIMIT = 100  # seconds for one run of pytest
HANGS = 15  # seconds after which a single test counts as failed
FAILED = 1  # pytest's exit code for tests that ran and failed; a mutant that cannot be imported is no mutant


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    original: str
    replacement: str
    test: str
    pick: str

    @property
    def room(self) -> str:
        return self.file.partition("/")[0]


def read() -> list[Mutant]:
    return [Mutant(**entry) for entry in tomllib.loads((ROOT / "tests/data/mutants.toml").read_text())["mutant"]]


MUTANTS = read()


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the rooms, their tests and the project file, once for each worker."""
    tree = tmp_path_factory.mktemp("mutants") / "tree"
    for name in (*ROOMS, "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "heavy"))
    for name in ("pyproject.toml", "config.yaml"):
        shutil.copy(ROOT / name, tree / name)
    return tree


def run(tree: Path, tests: list[str], pick: str) -> subprocess.CompletedProcess[str]:
    """Run tests of the copy by themselves: its modules, no cache, no coverage, no stop where data is missing."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTEST", "CI"))}
    environment |= {"PYTHONPATH": str(tree)}
    plain = ["-x", "-q", f"--timeout={HANGS}", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"]
    command = [sys.executable, "-m", "pytest", *tests, "-k", pick, *plain]
    return subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL
    )


def fits(mutant: Mutant) -> str:
    """Return the text of the mutant's file, after making sure that its original is there, once."""
    path = ROOT / mutant.file
    assert path.exists(), f"mutant {mutant.name!r}: {mutant.file} is gone; rewrite the mutant"
    text = path.read_text()
    found = text.count(mutant.original)
    assert found == 1, f"mutant {mutant.name!r}: its original is {found} times in {mutant.file}; rewrite the mutant"
    return text


def rewrite(path: Path, text: str) -> None:
    """Write a module and forget its bytecode, which is told from it by size and second alone."""
    path.write_text(text)
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


@pytest.mark.soak
@pytest.mark.parametrize("room", ROOMS)
def test_the_tests_pass_without_a_mistake(copy: Path, room: str) -> None:
    here = [one for one in MUTANTS if one.room == room]
    picks = sorted({one.pick for one in here})
    done = run(copy, sorted({one.test for one in here}), " or ".join(f"({pick})" for pick in picks))
    assert done.returncode == 0, done.stdout + done.stderr
    assert " skipped" not in done.stdout, f"what is skipped kills nothing: {done.stdout}"


@pytest.mark.soak
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_is_noticed(copy: Path, mutant: Mutant) -> None:
    text = fits(mutant)
    rewrite(copy / mutant.file, text.replace(mutant.original, mutant.replacement))
    try:
        done = run(copy, [mutant.test], mutant.pick)
    finally:
        rewrite(copy / mutant.file, text)
    assert done.returncode == FAILED, f"{mutant.name}: {mutant.test} did not fail\n{done.stdout}{done.stderr}"


def test_every_room_has_its_share_and_no_name_twice() -> None:
    shares = Counter(one.room for one in MUTANTS)
    assert {room: shares[room] for room in ROOMS if shares[room] < LEAST} == {}
    assert [name for name, count in Counter(one.name for one in MUTANTS).items() if count > 1] == []
    assert all(one.original != one.replacement for one in MUTANTS)
