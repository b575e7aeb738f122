"""What is no YAML is refused with its line and with advice; what is too large is given up early."""

from __future__ import annotations

import pytest

from proxy.config.errors import ConfigError
from proxy.config.yaml_nodes import MAX_ALIASES, MAX_DEPTH, MAX_NODES, compose


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        compose(text, "c.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a:\n\tb: 1\n", 2, "a tab is used where YAML wants spaces"),
        ("a: 1\nb: *x.example\n", 2, "a text that starts with `*` must be quoted"),
        ("a: @x\n", 1, "a text that starts with this character must be quoted"),
        ("a: 1\n  b: 2\n", 2, "check the indentation"),
        ("a: b: c\n", 1, "a `:` stands where no key may be"),
        ("a: 1\n---\nb: 2\n", 2, "only one document is allowed"),
        ("a: 1\nb\nc: 2\n", 3, "a line is neither `key: value` nor `- item`"),
        ("a: [1, 2\nb: 3\n", 2, "not valid YAML: expected ',' or ']'"),
        ('a: 1\nb: "x\n', 3, "not valid YAML: found unexpected end of stream"),
        ("a: 1\nb: \x01\n", 2, "the character U+0001 is not allowed in YAML"),
        ("a: 1\n%YAML 3.0\n---\n", 2, "not valid YAML"),
    ],
)
def test_broken_yaml_names_line_and_remedy(text: str, line: int, says: str) -> None:
    message = refusal(text)
    assert message.startswith(f"c.yaml:{line}: ")
    assert says in message
    assert "\n" not in message


def test_depth_is_capped() -> None:
    assert compose("[" * MAX_DEPTH + "]" * MAX_DEPTH, "c.yaml") is not None
    assert refusal("[" * (MAX_DEPTH + 1)) == f"c.yaml:1: nested deeper than {MAX_DEPTH} levels"
    assert "nested deeper" in refusal("a:\n  - " + "[" * 100_000)


def test_aliases_are_capped() -> None:
    assert compose("a: &x 1\nb: [" + "*x, " * MAX_ALIASES + "]", "c.yaml") is not None
    assert refusal("a: &x 1\nb: [" + "*x, " * (MAX_ALIASES + 1) + "]").startswith(
        f"c.yaml:2: more than {MAX_ALIASES} aliases"
    )


def test_nodes_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.config.yaml_nodes.MAX_NODES", 10)
    assert compose("[" + "1," * 9 + "]", "c.yaml") is not None
    assert refusal("-\n" * 10) == "c.yaml:10: more than 10 values; give long lists as a feed with `path`"
    assert MAX_NODES > 10


def test_anchors_may_be_used_again() -> None:
    assert compose("a: &x 1\nb: &x 2\nc: *x\n", "c.yaml") is not None


def test_nothing_is_no_document() -> None:
    assert compose("# a comment\n", "c.yaml") is None
