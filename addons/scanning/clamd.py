"""Ask a ClamAV daemon about some bytes, by its INSTREAM command (clamd(8)). Blocking: for scan processes only."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from addons.scanning.report import Engine, Finding, Weight
from addons.scanning.windows import Bytes

_CHUNK = 1 << 18
_MAX_ANSWER = 4096


class ClamdError(OSError):
    """The daemon cannot be asked, or refused to look."""


@dataclass(frozen=True, slots=True)
class Clamd:
    """Name a daemon by its Unix socket (`/run/clamd.ctl`) or address (`127.0.0.1:3310`)."""

    address: str

    def look(self, path: str, data: Bytes, seconds: float) -> Finding | None:
        """Return what the daemon found, or nothing. Raises ClamdError when it cannot or will not tell."""
        try:
            with self._connect(seconds) as connection:
                answer = _ask(connection, data)
        except OSError as error:
            raise ClamdError(f"clamd at {self.address}: {error.strerror or error}") from error
        return _read(answer, path)

    def _connect(self, seconds: float) -> socket.socket:
        if self.address.startswith("/"):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(seconds)
            connection.connect(str(Path(self.address)))
            return connection
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)


def _ask(connection: socket.socket, data: Bytes) -> str:
    connection.sendall(b"zINSTREAM\0")
    for start in range(0, len(data), _CHUNK):
        chunk = bytes(data[start : start + _CHUNK])
        connection.sendall(struct.pack("!I", len(chunk)) + chunk)
    connection.sendall(b"\0\0\0\0")
    answer = b""
    while b"\0" not in answer and len(answer) < _MAX_ANSWER:
        part = connection.recv(_MAX_ANSWER)
        if not part:
            break
        answer += part
    return answer.partition(b"\0")[0].decode("utf-8", "replace")


def _read(answer: str, path: str) -> Finding | None:
    """Read `stream: OK`, `stream: NAME FOUND` or an error."""
    told = answer.removeprefix("stream: ")
    if told == "OK":
        return None
    if not told.endswith(" FOUND"):
        raise ClamdError(f"clamd answered {answer!r}")
    name = told.removesuffix(" FOUND")
    return Finding(Engine.CLAMD, name, path, Weight.MALWARE, f"ClamAV names it {name}")
