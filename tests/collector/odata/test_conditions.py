"""Trees of conditions: table of what is read as what, and of what is refused where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.odata.conditions import Comparison, Joined, Negated, parse
from collector.odata.words import ODataError


def _shape(condition):
    match condition:
        case Comparison():
            return f"{condition.field} {condition.operator} {list(condition.literals)}"
        case Joined():
            return f"({f' {condition.word} '.join(map(_shape, condition.parts))})"
        case Negated():
            return f"!{_shape(condition.part)}"


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a eq 1", "a eq [1]"),
        ("a eq 1 and b eq 2 or c eq 3", "((a eq [1] and b eq [2]) or c eq [3])"),
        ("a eq 1 and (b eq 2 or c eq 3)", "(a eq [1] and (b eq [2] or c eq [3]))"),
        ("not a eq 1 and b eq 2", "(!a eq [1] and b eq [2])"),
        ("not (a eq 1 and b eq 2)", "!(a eq [1] and b eq [2])"),
        ("a in ('x', 'y')", "a in ['x', 'y']"),
        ("startswith(a,'x') and contains( b , 'y' )", "(a startswith ['x'] and b contains ['y'])"),
        ("machineTags/any(tag: tag eq 'x')", "machineTags any ['x']"),
        ("a eq 'and'", "a eq ['and']"),
    ],
)
def test_what_is_read(text, shape):
    assert _shape(parse(text)) == shape


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at character 1: expected the name of a field"),
        ("a", "at character 2: expected one of eq"),
        ("a like 'x'", "at character 3: expected one of eq"),
        ("a eq b", "at character 6: expected a value"),
        ("a eq 1 b eq 2", "at character 8: expected `and`, `or` or the end"),
        ("(a eq 1", "at character 8: expected `\\)`"),
        ("a in (1", "at character 8: expected `,` or `\\)`"),
        ("a in 1", "at character 6: expected `\\(`"),
        ("contains(a 'x')", "at character 12: expected `,`"),
        ("t/any(x: y eq 1)", "at character 10: expected `x`"),
        ("not " * 30 + "a eq 1", "nested deeper"),
        (" or ".join(["a eq 1"] * 101), "more than 100 conditions"),
    ],
)
def test_what_is_refused(text, said):
    with pytest.raises(ODataError, match=said):
        parse(text)


@given(st.text(alphabet="ab ()',:/not eq andor 1", max_size=60))
def test_nothing_but_its_own_error_is_raised(text):
    """Whatever is written, reading gives a tree or an ODataError."""
    try:
        parse(text)
    except ODataError as error:
        assert str(error).startswith("at character ")
