"""The state directory: where everything the gateway keeps lives, and that it is ours alone (0700).

Paths only; each file is written by its owner (design, *Who owns what*).
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

_MAX_SOCKET_FOLDER = 80  # bytes


@dataclass(frozen=True, slots=True)
class StateDir:
    """Name every path below `state_dir`."""

    root: Path

    @property
    def ca_dir(self) -> Path:
        """Return the inspectors' CA folder (key 0600)."""
        return self.root / "ca"

    @property
    def ca_certificate(self) -> Path:
        """Return the CA certificate that devices install (PEM)."""
        return self.ca_dir / "mitmproxy-ca-cert.pem"

    @property
    def snapshots(self) -> Path:
        """Return the folder of compiled snapshots."""
        return self.root / "snapshots"

    @property
    def feeds(self) -> Path:
        """Return the folder of downloaded feeds and their last good versions."""
        return self.root / "feeds"

    @property
    def overlay(self) -> Path:
        """Return the folder of published overlay generations."""
        return self.root / "overlay"

    @property
    def overlay_database(self) -> Path:
        """Return the overlay's database, written by the supervisor alone."""
        return self.root / "overlay.sqlite"

    @property
    def devices(self) -> Path:
        """Return the registry of devices, written by the supervisor alone."""
        return self.root / "devices.json"

    @property
    def dns_certificate(self) -> Path:
        """Return the certificate, with its key, that DNS over TLS and HTTPS shows (0600)."""
        return self.root / "dns-tls.pem"

    @property
    def spool(self) -> Path:
        """Return the folder of event spools."""
        return self.root / "spool"

    @property
    def collector_database(self) -> Path:
        """Return the embedded collector's database."""
        return self.root / "collector.sqlite"

    @property
    def radar(self) -> Path:
        """Return the folder of signs that each process has counted of devices."""
        return self.root / "radar"

    @property
    def scans(self) -> Path:
        """Return the folder of files that are being scanned; empty otherwise."""
        return self.root / "scans"

    @property
    def vulnerability_data(self) -> Path:
        """Return what `seawall vulnerabilities update` has fetched; without it what is shipped counts."""
        return self.root / "vulnerabilities.json"

    @property
    def secrets(self) -> Path:
        """Return the folder of tokens and keys (each file 0600)."""
        return self.root / "secrets"

    @property
    def run(self) -> Path:
        """Return the folder of Unix sockets.

        A socket's path is limited (108 bytes on Linux, 104 on macOS), so a deep state directory gets its sockets in
        a private folder (0700) of the system's temporary directory, named after the state directory.
        """
        inside = self.root.absolute() / "run"
        if len(os.fsencode(inside)) <= _MAX_SOCKET_FOLDER:
            return inside
        name = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"seawall-{os.getuid()}-{name}"

    @property
    def control_socket(self) -> Path:
        """Return the supervisor's socket: workers and the command line speak to it."""
        return self.run / "control"

    @property
    def resolver_socket(self) -> Path:
        """Return the resolver's socket: inspectors' lookups and raw queries."""
        return self.run / "resolver"

    @property
    def tunnel_socket(self) -> Path:
        """Return the socket of the tunnels' process (userspace WireGuard): the supervisor tells of changes there."""
        return self.run / "tunnels"

    @property
    def inspector_socket(self) -> Path:
        """Return the inspector's socket: the front hands connections over there."""
        return self.run / "inspector"

    @property
    def endpoints(self) -> Path:
        """Return the file of addresses really bound."""
        return self.root / "endpoints.json"

    def prepare(self) -> None:
        """Make the folders, 0700. Raises PermissionError when the directory is not ours or others can enter it."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        inside = (self.ca_dir, self.snapshots, self.feeds, self.overlay, self.spool, self.secrets)
        for folder in (self.root, *inside, self.run):
            _make_private(folder)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{folder}: is not a directory of ours; set `state_dir` to a directory of your own")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)
