"""The tunnel's own key, made at first start, and the private keys of devices that were asked to be kept (0600 each)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from proxy.profiles.keys import KeyPair, keys_of, new_keys
from proxy.secrets import tunnel_key
from proxy.state import StateDir

_ID = re.compile(r"[0-9a-f]{8,64}")


def server_keys(state: StateDir) -> KeyPair:
    """Return the tunnel's keys. Raises PermissionError or ValueError naming a file that is not as it should be."""
    private = tunnel_key(state, new_keys().private)
    try:
        return keys_of(private)
    except ValueError as error:
        raise ValueError(
            f"{state.secrets / 'wireguard_key'}: {error}; delete it to make another, and rotate every device"
        ) from None


class KeptKeys:
    """Keep private keys of devices, where a person asked for it. One thread at a time."""

    def __init__(self, state: StateDir) -> None:
        self._folder = state.secrets

    def keep(self, device: str, private: str) -> None:
        """Keep a device's key in place of any before it."""
        path = self._path(device)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{private}\n")

    def of(self, device: str) -> str:
        """Return a device's private key; empty when it was not kept."""
        try:
            return self._path(device).read_text("ascii").strip()
        except FileNotFoundError:
            return ""

    def forget(self, device: str) -> None:
        """Forget a device's key; harmless when there is none."""
        self._path(device).unlink(missing_ok=True)

    def _path(self, device: str) -> Path:
        if not _ID.fullmatch(device):
            raise ValueError(f"{device!r:.40} is no device's id")
        return self._folder / f"wireguard_key_of_{device}"
