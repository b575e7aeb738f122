"""The depth of JSON, told before it is parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.feeds.inflate import FeedError
from proxy.feeds.json_text import check_depth, load_json

DOCUMENTS = st.recursive(
    st.none() | st.text(alphabet='ab"\\[]{}é'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='a"\\[{'), inner, max_size=3),
    max_leaves=12,
)


def depth(document: Any) -> int:
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(DOCUMENTS)
def test_the_depth_is_counted_exactly(document: Any) -> None:
    """Invariant: a document is taken at its own depth and refused below it, whatever stands in its texts."""
    text = json.dumps(document, ensure_ascii=False).encode()
    assert load_json(text, depth(document)) == document
    if depth(document):
        with pytest.raises(FeedError, match="nested deeper"):
            load_json(text, depth(document) - 1)


@pytest.mark.parametrize("text", [b"", b"{", b'"', b"[" * 60 + b'"', b"\xff"])
def test_what_is_no_json_is_said(text: bytes) -> None:
    with pytest.raises(FeedError, match="is no JSON"):
        load_json(text, 64)


def test_a_tower_of_brackets_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(FeedError, match="nested deeper than 64"):
        check_depth(b"[" * 5_000_000, 64)
