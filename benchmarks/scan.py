"""Looking into downloads: what it adds to one of a 20 MB Android package, and how fast rules are matched.

Both gateways inspect the download (plain HTTP); one scans it. Every download is of another file, because a file whose
hash is known is not scanned again. The origin is nginx. The rules are made up: 500 of them, none of which matches.
"""

from __future__ import annotations

import http.client
import io
import random
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from addons.binary_manifest import manifest
from addons.scanning.rules import YaraRules
from benchmarks.harness import OURS, Comparison, interleave
from benchmarks.processes import accepts, free_port, gateway, port_of, program, running
from benchmarks.setting import Setting, load_cores, server_cores

HOST = "files.test"
_RULES = 500
SIZE = 20_000_000  # bytes
_MEGABYTE = 1e6


def compare(setting: Setting) -> Iterator[Comparison]:
    yield _matching(setting)
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as text, ExitStack() as open_:
        folder = Path(text)
        folder.chmod(0o755)  # nginx may give up its rights
        served = folder / "www"
        count = 2 * (setting.rounds + 1)
        write_packages(served, count, SIZE // 10 if setting.quick else SIZE)
        port = open_.enter_context(origin_of(folder))
        names = iter(range(count))
        probes = {
            OURS: _probe(open_, folder / "scanning", port, {"enabled": True}, names),
            "seawall without scanning": _probe(open_, folder / "plain", port, {"enabled": False}, names),
        }
        for probe in probes.values():
            probe()  # starts the scan process, opens connections
        found = interleave(probes, setting.rounds)
        yield Comparison("a 20 MB package through an inspected download", "s", "low", found)


def _matching(setting: Setting) -> Comparison:
    chance = random.Random(1)
    texts = [
        f'rule r{number} {{ strings: $a = "{chance.randbytes(12).hex()}" $b = {{ {chance.randbytes(10).hex(" ")} }} '
        "condition: $a or $b }"
        for number in range(_RULES)
    ]
    rules = YaraRules([("made-up.yar", "\n".join(texts))])
    data = chance.randbytes(SIZE // 10 if setting.quick else SIZE)

    def once() -> float:
        began = time.perf_counter()
        assert not list(rules.matches("data", data, 60))
        return len(data) / _MEGABYTE / (time.perf_counter() - began)

    once()
    return Comparison(
        f"matching {_RULES} YARA rules in one process", "MB/s", "high", interleave({OURS: once}, setting.rounds)
    )


def _probe(
    open_: ExitStack, folder: Path, port: int, scan: dict[str, bool], names: Iterator[int]
) -> Callable[[], float]:
    folder.mkdir()
    settings = {"dns": {"hosts": {HOST: "127.0.0.1"}}, "scan": scan}
    _, endpoints = open_.enter_context(gateway(folder, server_cores(), settings))
    proxy = port_of(endpoints["http_proxy"])

    def once() -> float:
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", proxy, timeout=120)
        try:
            connection.request("GET", f"http://{HOST}:{port}/{next(names)}.apk")
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()[:200]
            while answer.read(1 << 20):
                pass
        finally:
            connection.close()
        return time.perf_counter() - began

    return once


def write_packages(folder: Path, count: int, size: int) -> None:
    """Write packages as real ones are made up: code that packs well, and media that does not and is stored."""
    folder.mkdir()
    chance = random.Random(2)
    code = b"dex\n035\0" + b"".join(chance.randbytes(6) * 8 for _ in range(size // 4 // 48))
    media = chance.randbytes(size * 9 // 10)
    for number in range(count):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("AndroidManifest.xml", manifest(f"com.example.app{number}", ()))
            archive.writestr("classes.dex", code)
            archive.writestr(zipfile.ZipInfo("assets/media.bin"), media)
            archive.writestr("assets/number", str(number))
        (folder / f"{number}.apk").write_bytes(held.getvalue())


@contextmanager
def origin_of(folder: Path) -> Iterator[int]:
    port, config = free_port(), folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx-errors; worker_processes 1; "
        f"events {{ worker_connections 256; }} http {{ access_log off; "
        f"server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}"
    )
    command = [program("nginx", "nginx-light"), "-c", str(config), "-p", str(folder)]
    with running(command, load_cores(), partial(accepts, port), folder / "nginx.log"):
        yield port
