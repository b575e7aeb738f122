"""A PostgreSQL of the test run's own: a private cluster on a Unix socket, no port, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def find_program(name: str) -> str | None:
    """Return a server program's path; Debian keeps them off PATH, by version."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(kept[-1]) if kept else None)


def _as_user(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: there the folder and the processes become the `postgres` user's."""
    if os.getuid():
        return []
    shutil.chown(folder, "postgres")
    return ["runuser", "-u", "postgres", "--"]


@contextmanager
def cluster() -> Iterator[Path]:
    """Run a cluster without durability (a crash test brings its own) and give the folder of its socket."""
    folder = Path(tempfile.mkdtemp(prefix="seawall-pg-", dir="/tmp"))
    become = _as_user(folder)
    data = folder / "data"
    initdb, server = find_program("initdb"), find_program("postgres")
    assert initdb and server
    made = [*become, initdb, "-D", str(data), "-U", "seawall", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]
    subprocess.run(made, check=True, capture_output=True, cwd=folder)
    options = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", f"unix_socket_directories={folder}"]
    run = [*become, server, "-D", str(data), *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(run, stdout=log, stderr=log, cwd=folder)
    try:
        yield folder
    finally:
        _stop(process, data)
        shutil.rmtree(folder, ignore_errors=True)


def _stop(process: subprocess.Popen[bytes], data: Path) -> None:
    """Stop the server itself; `runuser` does not pass every signal on."""
    pid = int((data / "postmaster.pid").read_text().split()[0])
    os.kill(pid, 3)  # SIGQUIT: at once; nothing here is worth keeping
    process.wait(10)
