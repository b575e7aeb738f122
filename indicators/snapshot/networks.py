"""Networks that nest, flattened into disjoint stretches of addresses: one search finds all that hold an address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Span(NamedTuple):
    """Give one network as its first and last address, with the words of the entries that name it."""

    first: int
    last: int
    words: tuple[int, ...]


def stretches(spans: Iterable[Span], top: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield (first address, words) of each stretch, ascending; it ends where the next begins, the last one at `top`.

    The words are those of all networks that hold the stretch, narrowest network first; none in a gap. The spans are
    networks, so that two of them nest or are disjoint, and each is given once.
    """
    held: tuple[int, tuple[int, ...]] | None = None
    for start, words in _edges(sorted(spans, key=lambda span: (span.first, -span.last)), top):
        if held and held[0] != start:
            yield held
        held = (start, words)
    if held and held[0] <= top:
        yield held


def _edges(spans: Iterable[Span], top: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield a change at each beginning and end; of several at one address the last holds."""
    stack: list[Span] = []
    for span in spans:
        yield from _closed(stack, span.first)
        stack.append(span)
        yield span.first, _words(stack)
    yield from _closed(stack, top + 1)


def _closed(stack: list[Span], before: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    while stack and stack[-1].last < before:
        ended = stack.pop().last + 1
        yield ended, _words(stack)


def _words(stack: list[Span]) -> tuple[int, ...]:
    return tuple(word for span in reversed(stack) for word in span.words)
