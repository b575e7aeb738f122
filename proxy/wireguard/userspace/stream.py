"""What comes out of a tunnel, as mitmproxy hands it over: a TCP connection, or the datagrams of two addresses."""

from __future__ import annotations

from typing import Any, Protocol


class Stream(Protocol):
    """Read and write; of datagrams each read and each write is one (`mitmproxy_rs.Stream`)."""

    async def read(self, most: int, /) -> bytes:
        """Return what comes next; nothing at the end. Raises OSError."""
        ...

    def write(self, data: bytes, /) -> None:
        """Send. Raises OSError when the stream is closed."""
        ...

    async def drain(self) -> None:
        """Wait until there is room."""
        ...

    def close(self) -> None:
        """Close. Of TCP the other side sees an ordinary end: this stack sends no reset."""
        ...

    def get_extra_info(self, name: str, default: Any = ..., /) -> Any:
        """Return `transport_protocol`, `peername` or `sockname`, which is where the device wants to go."""
        ...
