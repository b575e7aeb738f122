"""Where the body of a message ends, and the body written anew: by length, in chunks, or to the end. Sans-IO.

Read strictly (RFC 9112, sections 6 and 7): what two programs could read in two ways is an error, never a guess.
Chunk extensions and trailers are read over and go no further.
"""

from __future__ import annotations

from typing import Protocol

_MAX_LINE = 4096  # bytes of a chunk's size with its extensions
_MAX_TRAILERS = 64 * 1024  # bytes
_HEX = frozenset(b"0123456789abcdefABCDEF")


class BodyError(ValueError):
    """Say why bytes are no body."""


class Body(Protocol):
    """Read one body as it comes. `done` once it has ended; `rest` is what came after its end."""

    done: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes:
        """Return what is to be sent on for these bytes. Raises BodyError."""
        ...


class Counted:
    """Read a body of a known length; none is one of length 0."""

    __slots__ = ("_left", "done", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes that belong to the body."""
        if self.done:
            self.rest += data
            return b""
        part = data[: self._left] if len(data) > self._left else data
        self._left -= len(part)
        self.done = self._left == 0
        self.rest = data[len(part) :]
        return part


class UntilEnd:
    """Read a body that ends with the connection; whoever reads the connection says when."""

    __slots__ = ("done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the bytes as they are."""
        return data


class Chunked:
    """Read a body in chunks, and write it in chunks of our own."""

    __slots__ = ("_after", "_held", "_left", "_trailers", "done", "rest")

    def __init__(self) -> None:
        self._held = b""
        self._left = 0  # bytes of the chunk that are still to come
        self._after = False  # the end of a line stands after the chunk's last byte
        self._trailers = -1  # bytes of trailers so far; negative before the last chunk
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return chunks for what has become whole of the body."""
        out: list[bytes] = []
        self._held += data
        while not self.done and self._step(out):
            pass
        if self.done:
            self.rest, self._held = self.rest + self._held, b""
        return b"".join(out)

    def _step(self, out: list[bytes]) -> bool:
        """Read one thing; false while it is not whole."""
        if self._left:
            return self._data(out)
        if self._after:
            return self._line_end()
        return self._size(out) if self._trailers < 0 else self._trailer(out)

    def _data(self, out: list[bytes]) -> bool:
        part, self._held = self._held[: self._left], self._held[self._left :]
        if not part:
            return False
        out += (b"%x\r\n" % len(part), part, b"\r\n")
        self._left -= len(part)
        self._after = self._left == 0
        return True

    def _line_end(self) -> bool:
        if not b"\r\n".startswith(self._held[:2]):
            raise BodyError("a chunk is longer than its size says")
        if len(self._held) < 2:
            return False
        self._held, self._after = self._held[2:], False
        return True

    def _size(self, out: list[bytes]) -> bool:
        line = self._line(_MAX_LINE)
        if line is None:
            return False
        size = line.partition(b";")[0].rstrip(b" \t")
        if not size or len(size) > 15 or not _HEX.issuperset(size):
            raise BodyError("a chunk without a size")
        self._left = int(size, 16)
        self._trailers = -1 if self._left else 0
        return True

    def _trailer(self, out: list[bytes]) -> bool:
        line = self._line(_MAX_TRAILERS - self._trailers)
        if line is None:
            return False
        if line[:1] in (b" ", b"\t"):
            raise BodyError("a folded line behind a chunked body")
        self._trailers += len(line) + 2
        if not line:
            out.append(b"0\r\n\r\n")
            self.done = True
        return True

    def _line(self, longest: int) -> bytes | None:
        """Return the next line; nothing while it is not whole."""
        end = self._held.find(b"\n")
        line = self._held if end < 0 else self._held[: end + 1]
        if len(line) > longest:
            raise BodyError("a line of a chunked body is too long")
        if b"\r" in line[:-2] or b"\0" in line or (end >= 0 and not line.endswith(b"\r\n")):
            raise BodyError("a control character in a chunked body")
        if end < 0:
            return None
        self._held = self._held[end + 1 :]
        return line[:-2]
