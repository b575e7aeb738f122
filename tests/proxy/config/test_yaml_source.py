"""Plain data with its lines: what is read, what is refused, and where each thing stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.errors import ConfigError, KeyPath
from proxy.config.yaml_source import parse

SAMPLE = """\
# a comment
dns:
  port: 53
  hosts: {a.test: 127.0.0.1}
feeds:
  - name: one

  - name: two
    url: x
empty:
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("dns",), 2),
        (("dns", "port"), 3),
        (("dns", "hosts", "a.test"), 4),
        (("feeds", 0), 6),
        (("feeds", 1), 8),
        (("feeds", 1, "url"), 9),
        (("feeds", 1, "path"), 8),
        (("feeds", 7), 5),
        (("nothing", "below"), 2),
        (("dns", "port", "below"), 3),
    ],
)
def test_a_path_gives_the_line_of_its_deepest_part(path: KeyPath, line: int) -> None:
    assert parse(SAMPLE, "c.yaml").line(path) == line


def test_an_empty_value_is_no_value() -> None:
    assert parse(SAMPLE, "c.yaml").data == {
        "dns": {"port": 53, "hosts": {"a.test": "127.0.0.1"}},
        "feeds": [{"name": "one"}, {"name": "two", "url": "x"}],
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("v: 8080", 8080), ("v: 0x1F", 31), ("v: 1.5", 1.5), ("v: true", True), ("v: 'true'", "true"),
        ("v: off", "off"), ("v: 2030-01-02", "2030-01-02"), ("v: 12:30", "12:30"), ("v: ::1", "::1"),
        ("v: [1, ~]", [1, None]), ("v: |\n  a\n  b\n", "a\nb\n"), ("v: &x [1]\nw: *x", [1]),
    ],
)  # fmt: skip
def test_values_are_plain(text: str, value: object) -> None:
    data = parse(text, "c.yaml").data
    assert isinstance(data, dict)
    assert data["v"] == value
    assert type(data["v"]) is type(value)


def test_numbers_keep_their_spelling_where_text_is_meant() -> None:
    text = "block: [1e10, 0012, 192.0.2.1, 2030-01-02]\ntitle: 404\nport: 1e3\n"
    data = parse(text, "c.yaml", frozenset({"block", "title"})).data
    assert data == {"block": ["1e10", "0012", "192.0.2.1", "2030-01-02"], "title": "404", "port": 1000.0}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", "c.yaml:3: a: stands here and in line 1 already"),
        ("x: {a: 1, a: 2}", "c.yaml:1: x.a: stands here and in line 1 already"),
        ("a:\n  b: !!python/object:os.system x", "c.yaml:2: a.b: the tag"),
        ("a: !secret x", "c.yaml:1: a: the tag !secret is not read"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "c.yaml:3: c: expected a plain key; merge keys (`<<`) are not read"),
        ("? [a, b]\n: c\n", "c.yaml:1: expected a plain key"),
        (f"a: {'9' * 5000}", "c.yaml:1: a: expected the type int, got '999"),
        ("a: !!bool x", "c.yaml:1: a: expected the type bool, got 'x'"),
        ("a: !!int ''", "c.yaml:1: a: expected the type int, got ''"),
        ('a: "x\\0"', "c.yaml:1: a: expected text, found a NUL"),
        ('a: "\\ud800"', "c.yaml:1: a: expected text, found a NUL or half a character"),
        ('"\\ud800": 1', "c.yaml:1: expected a plain key, found a NUL or half a character"),
        ("a: &x [*x]", "aliases make this too large"),
        ("a: &x {b: *x}", "aliases make this too large"),
    ],
)
def test_what_is_refused_says_where(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, "c.yaml")
    assert says in str(caught.value)


def test_several_refusals_are_all_told() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("a: !x 1\nb: 1\nb: 2\n", "c.yaml")
    assert [problem.line for problem in caught.value.problems] == [1, 3]


def test_aliases_cannot_multiply() -> None:
    bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(ConfigError, match="aliases make this too large"):
        parse(bomb, "c.yaml")


@given(st.text(alphabet=st.sampled_from("ab:-[]{},&*!|>'\"#%@`? \n\t~0129.e\\\x00é<"), max_size=60))
def test_any_text_is_data_or_a_clear_error(text: str) -> None:
    """Any text becomes data made of plain values, or a ConfigError with a message for each problem."""
    try:
        data = parse(text, "c.yaml").data
    except ConfigError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)
    else:
        assert data is None or isinstance(data, dict | list | str | int | float | bool)
