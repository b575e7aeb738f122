"""Words of a `$filter`: literals, names, marks, and where what cannot be read stands."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from collector.odata.words import Form, ODataError, words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a'", "a"),
        ("'it''s'", "it's"),
        ("''", ""),
        ("12", 12),
        ("-3", -3),
        ("true", True),
        ("false", False),
        ("null", None),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T12:30:00Z", datetime(2026, 11, 23, 12, 30, tzinfo=UTC)),
        ("2026-11-23T12:30:00.1234567Z", datetime(2026, 11, 23, 12, 30, 0, 123456, tzinfo=UTC)),
        ("2026-11-23T12:30:00+02:00", datetime(2026, 11, 23, 10, 30, tzinfo=UTC)),
    ],
)
def test_literals(text, value):
    found, end = words(text)
    assert (found.form, found.value, end.form) == (Form.LITERAL, value, Form.END)


def test_each_word_knows_its_place():
    found = [(word.text, word.at) for word in words(" a/any(t: t eq 'x') ")]
    assert found == [
        ("a/any", 2),
        ("(", 7),
        ("t", 8),
        (":", 9),
        ("t", 11),
        ("eq", 13),
        ("'x'", 16),
        (")", 19),
        ("the end", 20),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("status eq 'open", "at character 11"),
        ("a = 1", "at character 3"),
        ("a eq 2026-13-40T00:00:00Z", "at character 6: expected a time"),
        ("a eq 0001-01-01T00:00:00+02:00", "at character 6: expected a time"),
        ("a" * 4001, "longer than 4000"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text, said):
    with pytest.raises(ODataError, match=said):
        list(words(text))
