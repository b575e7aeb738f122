"""JSON from outside, with a bound on its depth that is checked before it is parsed."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any

from proxy.feeds.inflate import FeedError

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def check_depth(text: bytes, most: int) -> None:
    """Raise FeedError when brackets nest deeper than `most`."""
    brackets = _STRING.sub(b"", text).translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > most:
        raise FeedError(f"its JSON is nested deeper than {most}, as no feed is")


def load_json(text: bytes, depth: int) -> Any:
    """Return what a JSON text says. Raises FeedError when it is none, or nested too deep."""
    check_depth(text, depth)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FeedError(f"its answer is no JSON: {str(error)[:200]}") from None
