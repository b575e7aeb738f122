"""The installation's name, tokens and keys: made at first start, one file each (0600), never shown in a log.

Nothing here is read from the environment or the command line, where other processes could see it.
"""

from __future__ import annotations

import os
import secrets as randomness
import stat
from dataclasses import dataclass, field
from pathlib import Path

from proxy.state import StateDir

_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Secrets:
    """Hold what this installation alone knows; only `installation_id` may be told to others."""

    installation_id: str
    gateway_token: str = field(repr=False)  # a gateway delivers events with it
    admin_token: str = field(repr=False)  # changes things in the collector
    read_token: str = field(repr=False)  # reads alerts and machines
    waiver_key: bytes = field(repr=False)  # signs the `continue` of a warn page
    privacy_key: bytes = field(repr=False)  # hides destinations (`privacy.hide_urls`)
    device_key: bytes = field(default=b"", repr=False)  # hashes the tokens and passwords of devices
    collector_key: bytes = field(default=b"", repr=False)  # signs the collector's tokens and security events


def load_or_create(state: StateDir) -> Secrets:
    """Read the secrets, making those that are missing; two processes starting at once end with the same ones.

    Raises PermissionError when another user owns or can read a file, ValueError when one is damaged.
    """
    folder = state.secrets
    return Secrets(
        installation_id=_text(folder / "installation_id", randomness.token_hex(8)),
        gateway_token=_text(folder / "gateway_token", randomness.token_urlsafe(_KEY_BYTES)),
        admin_token=_text(folder / "admin_token", randomness.token_urlsafe(_KEY_BYTES)),
        read_token=_text(folder / "read_token", randomness.token_urlsafe(_KEY_BYTES)),
        waiver_key=_key(folder / "waiver_key"),
        privacy_key=_key(folder / "privacy_key"),
        device_key=_key(folder / "device_key"),
        collector_key=_key(folder / "collector_key"),
    )


def output_key(state: StateDir, name: str) -> bytes:
    """Return the key that signs what a webhook gets: the text of its file, made at first use. Raises as above."""
    return _text(state.secrets / f"output_{name}", randomness.token_urlsafe(_KEY_BYTES)).encode()


def tunnel_key(state: StateDir, fresh: str) -> str:
    """Return the tunnel's private key; `fresh` becomes it where there is none yet. Raises as above."""
    return _text(state.secrets / "wireguard_key", fresh)


def _key(path: Path) -> bytes:
    text = _text(path, randomness.token_hex(_KEY_BYTES))
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(_damaged(path)) from None


def _text(path: Path, fresh: str) -> str:
    if not path.exists():
        _create(path, fresh)
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"{path}: others can read or own this secret; delete it and start again to make another")
    text = path.read_text("ascii", errors="replace").strip()
    if len(text) < 16 or not text.isascii():
        raise ValueError(_damaged(path))
    return text


def _damaged(path: Path) -> str:
    return f"{path}: is damaged; delete it and start again to make another"


def _create(path: Path, text: str) -> None:
    """Publish a whole file under its name, or leave the one that another process has just published."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{randomness.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
