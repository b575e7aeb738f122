"""Answers of the stream are read strictly."""

from __future__ import annotations

import pytest

from proxy.policy_stream.told import Change, Told, read_told

GOOD = {"stream": "s", "last": 7, "reset": True, "more": True, "changes": [{"kind": "risk", "key": "d", "body": None}]}


def test_what_is_read():
    assert read_told(GOOD) == Told("s", 7, (Change("risk", "d", None),), reset=True, more=True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "expected an object"),
        (GOOD | {"stream": ""}, "stream"),
        (GOOD | {"last": True}, "last"),
        (GOOD | {"last": -1}, "last"),
        (GOOD | {"changes": {}}, "changes: expected a list"),
        (GOOD | {"changes": [1]}, "changes: expected objects"),
        (GOOD | {"changes": [{"kind": "risk", "key": ""}]}, "`kind` and `key`"),
        (GOOD | {"changes": [{"kind": "risk", "key": "d", "body": []}]}, "`body`"),
    ],
)
def test_what_is_refused(body, said):
    with pytest.raises(ValueError, match=said):
        read_told(body)
