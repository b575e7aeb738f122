"""The ClamAV daemon is asked as clamd(8) says: a real one in the heavier tier, its answers one by one here."""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic

import pytest

from addons import harmless
from addons.scanning.clamd import Clamd, ClamdError
from addons.scanning.report import Engine, Finding, Weight


@contextmanager
def answering(answer: bytes, got: list[bytes]) -> Iterator[str]:
    """Listen once, read an INSTREAM command to its end, and send `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as stream:
                got.append(stream.read(len(b"zINSTREAM\0")))
                while size := struct.unpack("!I", stream.read(4))[0]:
                    got.append(stream.read(size))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    ("answer", "name"),
    [(b"stream: OK\0", None), (b"stream: Eicar.UNOFFICIAL FOUND\0", "Eicar.UNOFFICIAL")],
    ids=["clean", "found"],
)
def test_what_it_answers_is_told(answer: bytes, name: str | None) -> None:
    got: list[bytes] = []
    data = b"x" * 600_000
    with answering(answer, got) as address:
        found = Clamd(address).look("f.bin", data, 5)
    assert (found.name if found else None) == name
    assert got[0] == b"zINSTREAM\0"
    assert b"".join(got[1:]) == data


@pytest.mark.parametrize(
    "answer", [b"INSTREAM size limit exceeded. ERROR\0", b"", b"x" * 9000], ids=["too large", "nothing", "endless"]
)
def test_what_is_no_answer_is_an_error(answer: bytes) -> None:
    with answering(answer, []) as address, pytest.raises(ClamdError, match="clamd answered"):
        Clamd(address).look("f.bin", b"data", 5)


def test_a_daemon_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClamdError, match=r"clamd at .*ctl: No such file"):
        Clamd(str(tmp_path / "clamd.ctl")).look("f.bin", b"data", 5)


@pytest.mark.heavy
def test_a_real_daemon_finds_the_test_file(tmp_path: Path, require_program: Callable[[str], str]) -> None:
    clamd = require_program("clamd")
    (tmp_path / "db").mkdir()
    line = f"{sha256(harmless.EICAR).hexdigest()}:68:Eicar-Test-Signature.local\n"
    (tmp_path / "db" / "local.hsb").write_text(line)
    control = tmp_path / "ctl"
    config = f"DatabaseDirectory {tmp_path / 'db'}\nLocalSocket {control}\nForeground yes\nUser root\n"
    (tmp_path / "clamd.conf").write_text(config)
    with subprocess.Popen([clamd, "-c", tmp_path / "clamd.conf"], stdout=subprocess.DEVNULL) as daemon:
        try:
            found = _when_ready(Clamd(str(control)), harmless.zipped())
        finally:
            daemon.terminate()
    assert found == Finding(
        Engine.CLAMD,
        "Eicar-Test-Signature.local.UNOFFICIAL",
        "eicar.zip",
        Weight.MALWARE,
        "ClamAV names it Eicar-Test-Signature.local.UNOFFICIAL",
    )


def _when_ready(clamd: Clamd, data: bytes) -> Finding | None:
    until = monotonic() + 60
    while True:
        try:
            return clamd.look("eicar.zip", data, 10)
        except ClamdError:
            if monotonic() > until:
                raise
            threading.Event().wait(0.05)
