"""Read and name the files that people write: regular, small, UTF-8, or a clear error. No YAML here."""

from __future__ import annotations

import stat
from pathlib import Path

from proxy.config.errors import ConfigError, Problem

MAX_BYTES = 2 * 1024 * 1024
_BOM = "\ufeff"


def shown(path: Path) -> str:
    """Return a file's name as errors show it: relative where it lies below the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def located(path: Path, folder: Path) -> Path:
    """Return a path as it is meant: `~` is a home directory, relative is relative to `folder`."""
    try:
        return folder / path.expanduser()
    except RuntimeError:  # a user that there is not; then the name is taken as it is, and found missing
        return folder / path


def broken(path: Path, message: str, line: int = 0) -> ConfigError:
    """Make the error that speaks of a file as a whole, or of one line of it."""
    return ConfigError([Problem(shown(path), line, "", message)])


def read_bytes(path: Path) -> bytes:
    """Return a regular file's bytes; raise ConfigError when it is missing, unreadable, no file, or too large."""
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            raise broken(path, f"expected a file, found a {'folder' if stat.S_ISDIR(kind) else 'device'}")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise broken(path, "no such file") from None
    except OSError as error:
        raise broken(path, f"cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise broken(path, f"larger than {MAX_BYTES // 1024} KiB; give long lists as a feed with `path`")
    return content


def decode(content: bytes, path: Path) -> str:
    """Return UTF-8 bytes as text without a byte order mark; raise ConfigError naming the line that is not UTF-8."""
    try:
        return content.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise broken(path, f"expected UTF-8, found the byte 0x{content[error.start]:02x}", line) from None


def read_text(path: Path) -> str:
    """Return a file's text; see `read_bytes` and `decode`."""
    return decode(read_bytes(path), path)
