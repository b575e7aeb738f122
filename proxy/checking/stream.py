"""Targets from a stream, a line each, and one JSON line for each, in order, as soon as its block was read.

Nothing piles up: a block is answered and written before the next is read, and a line without an end is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from proxy.checking.answer import Lines, stops
from proxy.checking.checker import Checker

BLOCK = 64 * 1024  # bytes
MAX_LINE = 64 * 1024  # bytes


class Source(Protocol):
    """Read what there is, at most so many bytes; nothing at the end."""

    def read1(self, size: int, /) -> bytes:
        """Return at least one byte, or none at the end."""
        ...


@dataclass(slots=True)
class Tally:
    """Count what was answered."""

    judged: int = 0
    stopped: int = 0
    failed: int = 0


def answer_lines(checker: Checker, source: Source, write: Callable[[str], None]) -> Tally:
    """Answer every line of the stream but blank ones; `write` gets whole lines and is expected to flush."""
    tally, lines = Tally(), Lines()
    for block in _blocks(source):
        written = [_answered(checker, lines, raw, tally) for raw in block if not raw.isspace() and raw]
        if written:
            write("\n".join(written) + "\n")
    return tally


def _answered(checker: Checker, lines: Lines, raw: bytes, tally: Tally) -> str:
    tally.judged += 1
    try:
        target = _decoded(raw)
        verdict = checker.verdict(target)
    except ValueError as error:
        tally.failed += 1
        return lines.of_failure(raw[:256].decode("utf-8", "replace").strip(), str(error))
    tally.stopped += stops(verdict)
    return lines.of(target, verdict)


def _decoded(raw: bytes) -> str:
    if len(raw) > MAX_LINE:
        raise ValueError(f"expected a line of at most {MAX_LINE} bytes")
    try:
        return raw.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("expected UTF-8") from None


def _blocks(source: Source) -> Iterator[list[bytes]]:
    """Yield the whole lines of each block read. A longer line than allowed is yielded cut, once."""
    rest, skipping = b"", False
    while block := source.read1(BLOCK):
        if skipping:
            end = block.find(b"\n") + 1
            if not end:
                continue
            block, skipping = block[end:], False
        *whole, rest = (rest + block).split(b"\n")
        if len(rest) > MAX_LINE:
            whole.append(rest[: MAX_LINE + 1])
            rest, skipping = b"", True
        yield whole
    if rest:
        yield [rest]
