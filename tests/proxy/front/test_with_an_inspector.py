"""The front and a real inspector, joined by the real hand-over: what changes hands, and what the client sees of it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from addons.arrivals import Arrivals
from indicators.indicator import Indicator
from indicators.words import IndicatorType
from proxy.front.inspectors import Inspectors
from proxy.inspector.taker import Taker
from tests.support.browsing import fetch, line
from tests.support.front import Bench, front, indicator
from tests.support.inspecting import Inspecting, inspecting
from tests.support.site import HTML, Site, site

FILE = b"PK\x03\x04" + bytes(300_000)
DOWNLOAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: %d\r\n\r\n" % len(FILE) + FILE


@dataclass
class Joined:
    bench: Bench
    inspector: Inspecting
    there: Site

    def url(self, path: str, host: str = "good.test") -> str:
        return f"http://{host}:{self.there.port}{path}"


@contextlib.asynccontextmanager
async def joined(folder: Path, *answers: bytes, known: tuple[Indicator, ...] = ()) -> AsyncIterator[Joined]:
    arrivals = Arrivals()
    inspectors = Inspectors([folder / "inspector"])
    async with (
        asyncio.timeout(60),
        inspecting(folder, *known, indicator("evil.test"), change=partial(replace, arrivals=arrivals)) as inspector,
        site(*answers) as there,
        front("http", inspectors=inspectors) as bench,
    ):
        taker = Taker(folder / "inspector", partial(inspector.engine.serve, arrivals=arrivals))
        taker.start()
        try:
            yield Joined(bench, inspector, there)
        finally:
            taker.close()
            inspectors.close()


async def test_a_clean_download_comes_whole_and_was_asked_for_once(tmp_path: Path) -> None:
    async with (
        joined(tmp_path, HTML, DOWNLOAD, HTML) as it,
        line(it.url("/"), http=it.bench.port) as opened,
    ):
        assert (await opened.ask("/page")).body == b"hello"
        assert (await opened.ask("/get")).body == FILE
        assert (await opened.ask("/after")).body == b"hello"
        assert it.there.lines == [b"GET %s HTTP/1.1" % path for path in (b"/page", b"/get", b"/after")]


async def test_a_known_file_is_replaced_by_the_page(tmp_path: Path) -> None:
    listed = indicator(hashlib.sha256(FILE).hexdigest(), IndicatorType.SHA256)
    async with joined(tmp_path, DOWNLOAD, known=(listed,)) as it:
        answer = await fetch(it.url("/get"), http=it.bench.port)
        assert answer.status == 403
        assert FILE[:4] not in answer.body
        assert len(it.there.heads) == 1


async def test_a_blocked_host_gets_the_page_also_on_a_connection_that_was_served(tmp_path: Path) -> None:
    async with joined(tmp_path) as it, line(it.url("/"), http=it.bench.port) as opened:
        assert (await opened.ask("/")).status == 200
        assert (await opened.ask("/", host="evil.test")).status == 403
        assert len(it.there.heads) == 1


async def test_a_long_form_goes_through_the_inspector_whole(tmp_path: Path) -> None:
    body = bytes(range(256)) * 4000
    async with joined(tmp_path) as it:
        answer = await fetch(it.url("/form"), http=it.bench.port, method="POST", body=body)
        assert answer.status == 200
        assert it.there.bodies == [body]


async def test_a_page_of_ours_is_no_way_around_the_password(tmp_path: Path) -> None:
    """Whoever names us needs none; what follows on that connection would need one, so it ends."""
    async with joined(tmp_path) as it:
        it.bench.wants_password = True
        reader, writer = await asyncio.open_connection("127.0.0.1", it.bench.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: seawall.internal\r\nConnection: keep-alive\r\n\r\n")
        writer.write(f"GET {it.url('/after')} HTTP/1.1\r\nHost: good.test\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200 ") and answer.count(b"HTTP/1.1 ") == 1
        assert it.there.heads == []
