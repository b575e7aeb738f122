"""A stream of targets: one line each, in order, however the bytes come, and nothing piles up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.classifier import Classifier
from indicators.indicator import Origin
from indicators.memory_index import MemoryIndex
from indicators.observation import Device
from indicators.rules import parse_indicator
from indicators.settings import PolicySettings
from proxy.checking.checker import Checker
from proxy.checking.stream import BLOCK, MAX_LINE, Tally, answer_lines

INDEX = MemoryIndex(parse_indicator("evil.example", Origin("custom", custom=True, place="c.yaml", line=1)))
CHECKER = Checker(Classifier(INDEX, [], PolicySettings()), Device("c", "c"), lambda: datetime.now(UTC))


class Blocks:
    """Give out fixed blocks, one a read."""

    def __init__(self, blocks: Sequence[bytes]) -> None:
        self.blocks = [block for block in blocks if block]
        self.asked: list[int] = []

    def read1(self, size: int, /) -> bytes:
        self.asked.append(size)
        return self.blocks.pop(0) if self.blocks else b""


def answers(*blocks: bytes) -> tuple[list[dict[str, object]], Tally, list[str]]:
    written: list[str] = []
    tally = answer_lines(CHECKER, Blocks(blocks), written.append)
    return [json.loads(line) for line in "".join(written).splitlines()], tally, written


@given(
    st.lists(
        st.sampled_from(["evil.example", "good.example", "a b", "http://x.evil.example/y", "é.example"]), max_size=12
    ),
    st.data(),
)
def test_however_it_is_cut_each_line_has_its_answer(targets: list[str], data: st.DataObject) -> None:
    """The answers are those of the targets, in order, for every way of cutting the bytes into blocks."""
    raw = "\n".join(targets).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    blocks = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    found, tally, _ = answers(*blocks)
    assert [one["target"] for one in found] == targets
    assert tally.judged == len(targets)
    assert tally.stopped == sum("evil" in target for target in targets)
    assert tally.failed == targets.count("a b")


def test_each_block_is_answered_before_the_next_is_read() -> None:
    _, _, written = answers(b"a.example\nb.exa", b"mple\n", b"evil.example")
    assert [text.count("\n") for text in written] == [1, 1, 1]


def test_blank_lines_and_line_ends_are_skipped() -> None:
    found, tally, _ = answers(b"\r\n  \na.example\r\n\n\tb.example \n")
    assert [one["target"] for one in found] == ["a.example", "b.example"]
    assert (tally.judged, tally.failed) == (2, 0)


@pytest.mark.parametrize(
    ("raw", "says"),
    [(b"\xff.example", "expected UTF-8"), (b"a b", "not a host name"), (b"a" * 70000, "expected a line of at most")],
)
def test_a_bad_line_is_an_answer_too(raw: bytes, says: str) -> None:
    found, tally, _ = answers(b"evil.example\n" + raw + b"\ngood.example\n")
    assert [one["action"] for one in found] == ["block", None, "allow"]
    assert says in str(found[1]["error"])
    assert (tally.failed, tally.stopped) == (1, 1)


def test_a_line_without_end_is_cut_and_not_kept() -> None:
    source = Blocks([b"x" * BLOCK] * 50 + [b"\nevil.example\n"])
    written: list[str] = []
    tally = answer_lines(CHECKER, source, written.append)
    found = [json.loads(line) for line in "".join(written).splitlines()]
    assert [one["action"] for one in found] == [None, "block"]
    assert tally.failed == 1
    assert max(source.asked) <= BLOCK <= MAX_LINE
