"""Problems read as `file:line: key: message`, and an error carries all of them."""

from __future__ import annotations

import pytest

from proxy.config.errors import ConfigError, KeyPath, Problem, dotted


@pytest.mark.parametrize(
    ("path", "text"),
    [((), ""), (("dns", "port"), "dns.port"), (("feeds", 1, "url"), "feeds[1].url"), ((0, "a"), "[0].a")],
)
def test_paths_are_written_as_people_do(path: KeyPath, text: str) -> None:
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("config.yaml", 12, "dns.port", "expected …"), "config.yaml:12: dns.port: expected …"),
        (Problem("config.yaml", 12, "", "not valid YAML"), "config.yaml:12: not valid YAML"),
        (Problem("config.yaml", 0, "", "no such file"), "config.yaml: no such file"),
    ],
)
def test_a_problem_names_file_line_and_key(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_an_error_lists_all_problems() -> None:
    error = ConfigError([Problem("a", 1, "x", "one"), Problem("b", 2, "y", "two")])
    assert str(error).splitlines() == ["a:1: x: one", "b:2: y: two"]
    assert len(error.problems) == 2
    assert error.problems[0].as_json() == {"file": "a", "line": 1, "key": "x", "message": "one"}
