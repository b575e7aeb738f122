"""The command line, and that each benchmark that it names is there and says what it needs."""

from __future__ import annotations

import importlib
import inspect
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import processes
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.harness import Missing
from benchmarks.names import walk
from benchmarks.setting import pinned


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_compares_and_is_explained(name: str) -> None:
    compare = importlib.import_module(f"benchmarks.{name}").compare
    assert list(inspect.signature(compare).parameters) == ["setting"]
    assert name in CliRunner().invoke(main, ["--help"]).output
    assert f"`{name}`" in (Path(__file__).parents[2] / "benchmarks" / "README.md").read_text()


def test_an_unknown_benchmark_is_refused_with_the_names_there_are() -> None:
    done = CliRunner().invoke(main, ["latency"])
    assert done.exit_code == 2
    assert all(name in done.output for name in BENCHMARKS)


def test_a_missing_load_generator_is_said_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str, path: str = "") -> None:
        return None

    monkeypatch.setattr(processes.shutil, "which", nothing)
    done = CliRunner().invoke(main, ["dns"])
    assert done.exit_code == 1
    assert "dns: not measured: `dnsperf` is not installed (Debian package dnsperf)" in done.output


def test_missing_data_is_said_and_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("benchmarks.setting.ROOT", tmp_path / "checkout")
    monkeypatch.delenv("SEAWALL_TEST_DATA", raising=False)
    done = CliRunner().invoke(main, ["classifier"])
    assert done.exit_code == 1
    assert "set SEAWALL_TEST_DATA" in done.output


def test_a_program_that_ends_early_is_missing_with_its_last_words(tmp_path: Path) -> None:
    with (
        pytest.raises(Missing, match="sh does not answer: no such zone"),
        processes.running(["sh", "-c", "echo starting; echo no such zone"], [], lambda: False, tmp_path / "log"),
    ):
        pytest.fail("it never answered")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be chosen on this system")
def test_pinning_ends_with_the_block() -> None:
    before = os.sched_getaffinity(0)
    with pinned([min(before)]):
        assert os.sched_getaffinity(0) == {min(before)}
    assert os.sched_getaffinity(0) == before


def test_the_bare_walk_meets_names_and_what_is_below_them_only() -> None:
    names = {"evil.test"}
    assert [walk(host, names) for host in ("evil.test", "a.b.evil.test", "notevil.test", "test")] == [
        True,
        True,
        False,
        False,
    ]
