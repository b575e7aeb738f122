"""A PostgreSQL of the run's own, with the durability that it has out of the box, on a Unix socket, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import Missing


@contextmanager
def cluster() -> Iterator[str]:
    """Run a cluster and give the URL of an empty database. Raises Missing."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        raise Missing("PostgreSQL is not installed (Debian package postgresql)")
    home = Path(tempfile.mkdtemp(prefix="seawall-pg-"))
    become = ["runuser", "-u", "postgres", "--"] if not os.getuid() else []
    if become:
        shutil.chown(home, "postgres")
    tools = {name: str(folders[-1] / name) for name in ("initdb", "pg_ctl", "createdb")}
    data, options = home / "data", f"-c listen_addresses= -c unix_socket_directories={home}"
    made = [tools["initdb"], "-D", str(data), "-U", "seawall", "--auth=trust", "-E", "UTF8", "--locale=C"]
    try:
        subprocess.run([*become, *made], check=True, capture_output=True, cwd=home)
        start = [tools["pg_ctl"], "-D", str(data), "-l", str(home / "log"), "-w", "-o", options, "start"]
        subprocess.run([*become, *start], check=True, stdout=subprocess.DEVNULL, cwd=home)
        subprocess.run([*become, tools["createdb"], "-h", str(home), "-U", "seawall", "bench"], check=True, cwd=home)
        yield f"postgresql+asyncpg://seawall@/bench?host={home}"
    finally:
        stop = [tools["pg_ctl"], "-D", str(data), "-m", "immediate", "stop"]
        subprocess.run([*become, *stop], check=False, capture_output=True, cwd=home)
        time.sleep(0.2)
        shutil.rmtree(home, ignore_errors=True)
