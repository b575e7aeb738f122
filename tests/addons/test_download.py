from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Callable
from dataclasses import replace

import brotli  # type: ignore[import-untyped]
import pytest
from aiohttp import ClientSession, web
from mitmproxy import http

from addons import harmless
from addons.held_bytes import HeldBytes, Holder
from addons.scanning.kinds import Group
from addons.scanning.limits import Limits
from addons.scanning.outcome import ScanPolicy
from addons.scanning.report import ScanError, ScanReport
from addons.scanning.scan import FileScan
from addons.services import Services
from indicators.indicator import Indicator
from indicators.settings import PolicySettings
from indicators.words import Action, Category, Enforcement, IndicatorType, OnError, Stage
from tests.addons.conftest import Start
from tests.support.browsing import fetch
from tests.support.inspecting import CLOSED, OPEN
from tests.support.origin import Answer, Origin
from tests.support.resolver import until
from tests.support.sights import CUSTOM, FEED
from tests.support.signed_apk import SCHEMES, Signer

VIRUS = harmless.EICAR


def hash_of(body: bytes, name: str = "sha256", **more: object) -> Indicator:
    kind = {"sha256": IndicatorType.SHA256, "sha1": IndicatorType.SHA1, "md5": IndicatorType.MD5}[name]
    digest = hashlib.new(name, body).hexdigest()
    return Indicator(digest, kind, Action.BLOCK, FEED, category=Category.MALWARE, **more)  # type: ignore[arg-type]


BAD = hash_of(VIRUS)


def serve(site: Origin, body: bytes, **headers: str) -> str:
    async def answer(_: web.Request) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=body, headers=named, status=int(named.pop("status", "200")))

    site.answers["/file"] = answer
    return f"http://good.test:{site.http_port}/file"


def noting(unseen: list[tuple[str, str]], **more: object) -> Callable[[Services], Services]:
    """Note downloads that pass unseen: of which device, and why."""
    return lambda given: replace(given, unseen=lambda device, why: unseen.append((device.address, why)), **more)  # type: ignore[arg-type]


def chunked(site: Origin, parts: list[bytes], kind: str = "application/octet-stream") -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    site.answers["/file"] = answer
    return answer


@pytest.mark.parametrize("name", ["sha256", "sha1", "md5"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "application/octet-stream"},
        {"Content_Type": "text/html", "Content_Disposition": 'attachment; filename="a.html"'},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/zip"},
        {"Content_Type": ""},
    ],
)
async def test_a_listed_file_is_withheld_and_explained(start: Start, name: str, headers: dict[str, str]) -> None:
    gateway, site = await start(hash_of(VIRUS, name))
    answer = await fetch(serve(site, VIRUS, **headers), http=gateway.http)
    assert answer.status == 403
    assert VIRUS not in answer.body
    assert "This file is blocked" in answer.text
    assert "Malware" in answer.text
    [(_, seen, _, done)] = gateway.reports.events
    assert (seen.stage, done) == (Stage.DOWNLOAD, Enforcement.PAGE)
    assert hashlib.sha256(VIRUS).hexdigest() in seen.hashes


async def test_over_tls_only_where_the_connection_is_opened(start: Start) -> None:
    gateway, site = await start(BAD, always_opened := Indicator("good.test/x", IndicatorType.URL, Action.AUDIT, FEED))
    assert always_opened.type is IndicatorType.URL
    gateway.trust()
    serve(site, VIRUS, Content_Type="application/octet-stream")
    url = f"https://good.test:{site.https_port}/file"
    assert (await fetch(url, http=gateway.http, trust=gateway.ca)).status == 403
    gateway.policy.trusted.clear()


async def test_what_is_packed_is_looked_into(start: Start) -> None:
    gateway, site = await start(BAD)
    url = serve(site, gzip.compress(VIRUS), Content_Type="application/octet-stream", Content_Encoding="gzip")
    assert (await fetch(url, http=gateway.http)).status == 403


@pytest.mark.parametrize("kind", ["text/html", "image/png", "video/mp4", "application/json", "text/event-stream"])
async def test_what_pages_are_made_of_is_passed_on_as_it_comes(start: Start, kind: str) -> None:
    gateway, site = await start(BAD)
    answer = await fetch(serve(site, VIRUS, Content_Type=kind), http=gateway.http)
    assert (answer.status, answer.body) == (200, VIRUS)
    assert gateway.reports.events == []


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip, br", brotli.compress(gzip.compress(harmless.zipped())), 403),
        ("dcb", brotli.compress(harmless.zipped()), 403),
        ("br", brotli.compress(harmless.zipped())[:-20], 403),
        ("br", brotli.compress(b"plain words"), 200),
        ("utf-8", harmless.zipped(), 403),
        ("utf-8", b"plain words", 200),
    ],
    ids=["two codings", "one beyond us", "a broken one", "words", "one that is none", "words of one that is none"],
)
async def test_what_cannot_be_decoded_follows_on_error(start: Start, encoding: str, body: bytes, status: int) -> None:
    change = lambda given: replace(given, scanner=Scanning(), on_error=OnError.CLOSED)  # noqa: E731
    gateway, site = await start(BAD, change=change)
    url = serve(site, body, Content_Type="application/octet-stream", Content_Encoding=encoding)
    raw = {"Accept-Encoding": "identity"}
    assert (await fetch(url, http=gateway.http, headers=raw)).status == status


async def test_a_harmless_file_arrives_whole(start: Start) -> None:
    gateway, site = await start(BAD)
    body = bytes(range(256)) * 4000
    answer = await fetch(serve(site, body, Content_Type="application/octet-stream"), http=gateway.http)
    assert (answer.status, answer.body) == (200, body)


async def test_without_listed_hashes_no_body_is_held(start: Start) -> None:
    gateway, site = await start(settings=PolicySettings(bodies=False))
    answer = await fetch(serve(site, VIRUS, Content_Type="application/octet-stream"), http=gateway.http)
    assert answer.body == VIRUS
    assert Stage.DOWNLOAD not in {seen.stage for seen in gateway.policy.seen}


async def test_a_file_of_unknown_length_is_held_up_to_the_limit(start: Start) -> None:
    gateway, site = await start(BAD)
    chunked(site, [VIRUS[:30], VIRUS[30:]])
    assert (await fetch(f"http://good.test:{site.http_port}/file", http=gateway.http)).status == 403


@pytest.mark.parametrize("known", [True, False])
async def test_what_is_longer_than_the_limit_is_streamed_and_counted(start: Start, known: bool) -> None:
    unseen: list[tuple[str, str]] = []
    gateway, site = await start(BAD, change=lambda given: replace(noting(unseen)(given), hold_limit=100_000))
    body = b"x" * 400_000
    if known:
        serve(site, body, Content_Type="application/octet-stream")
    else:
        chunked(site, [body[:200_000], body[200_000:]])
    answer = await fetch(f"http://good.test:{site.http_port}/file", http=gateway.http)
    assert (answer.status, answer.body) == (200, body)
    assert len(unseen) == 1
    assert unseen[0][1].startswith("it is longer than 97")


@pytest.mark.parametrize(
    ("asks", "said", "blocks", "status"),
    [
        ({"Range": "bytes=0-67"}, "bytes 0-67/68", False, 403),
        ({"Range": "bytes=0-67"}, "bytes 0-67/900", False, 206),
        ({"Range": "bytes=0-67"}, "bytes 0-67/*", False, 206),
        ({"Range": "bytes=0-67"}, "bytes 0-67/900", True, 403),
        ({}, "bytes 0-67/900", False, 403),
    ],
    ids=["a part that is the whole", "a part", "a part of what is not said", "nothing may pass unseen", "unasked"],
)
async def test_a_part_says_nothing_unless_it_is_the_whole(
    start: Start, asks: dict[str, str], said: str, blocks: bool, status: int
) -> None:
    gateway, site = await start(BAD, change=lambda given: replace(given, blocks_large=blocks))
    url = serve(site, VIRUS, Content_Type="application/zip", Content_Range=said, status="206")
    answer = await fetch(url, http=gateway.http, headers=asks)
    assert answer.status == status
    assert (b"asked for a part of it" in answer.body) is blocks


@pytest.mark.parametrize("door", ["http", "socks"])
@pytest.mark.parametrize("path", ["/eicar.com", "/eicar.com.txt"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_test_file_of_the_gateway_is_blocked_as_malware(
    start: Start, scheme: str, path: str, door: str
) -> None:
    gateway, _ = await start(BAD)
    url = f"{scheme}://eicar.seawall.internal{path}"
    answer = await fetch(url, trust=gateway.ca, **{door: getattr(gateway, door)})
    assert answer.status == 403
    assert "Malware" in answer.text
    assert gateway.resolver.asked == []
    [(_, seen, _, done)] = gateway.reports.events
    assert (seen.stage, seen.host, seen.url, done) == (
        Stage.DOWNLOAD,
        "eicar.seawall.internal",
        url,
        Enforcement.PAGE,
    )


async def test_without_its_hash_the_test_file_is_delivered(start: Start) -> None:
    gateway, _ = await start()
    answer = await fetch("http://eicar.seawall.internal/eicar.com", http=gateway.http)
    assert (answer.status, answer.body) == (200, VIRUS)


async def test_an_audited_file_passes_and_is_reported(start: Start) -> None:
    gateway, site = await start(replace(BAD, action=Action.AUDIT))
    answer = await fetch(serve(site, VIRUS, Content_Type="application/zip"), http=gateway.http)
    assert (answer.status, gateway.reports.done) == (200, [("good.test", Enforcement.PASSED)])


@pytest.mark.parametrize("known", [True, False])
async def test_what_is_longer_than_the_limit_is_refused_where_policy_says_so(start: Start, known: bool) -> None:
    change = lambda given: replace(given, hold_limit=100_000, blocks_large=True)  # noqa: E731
    gateway, site = await start(BAD, change=change)
    body = b"x" * 400_000
    if known:
        serve(site, body, Content_Type="application/octet-stream")
    else:
        chunked(site, [body[:200_000], body[200_000:]])
    answer = await fetch(f"http://good.test:{site.http_port}/file", http=gateway.http)
    assert answer.status == 403
    assert b"xxxx" not in answer.body
    assert "policy.large_download is block" in answer.text
    assert gateway.reports.done == [("good.test", Enforcement.PAGE)]


async def test_a_page_that_fails_does_not_let_a_long_file_pass(start: Start) -> None:
    gateway, site = await start(BAD, change=lambda given: replace(given, hold_limit=100_000, blocks_large=True))
    gate = next(addon for addon in gateway.addons if getattr(addon, "name", "") == "seawall-download")

    class Broken:
        def page(self, *_: object) -> None:
            raise RuntimeError("broken on purpose")

    gate._enforcer = Broken()  # type: ignore[attr-defined]
    url = serve(site, b"x" * 400_000, Content_Type="application/octet-stream")
    answer = await fetch(url, http=gateway.http)
    assert answer.status == 403
    assert b"xxxx" not in answer.body


async def test_a_file_is_asked_for_whole(start: Start) -> None:
    gateway, site = await start(BAD)
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, request.headers.get("Range"), request.headers.get("If-Range")))
        return web.Response(body=VIRUS, headers={"Content-Type": "application/octet-stream"})

    site.answers["/a.apk"] = site.answers["/film"] = answer
    for path in ("/a.apk", "/film"):
        headers = {"Range": "bytes=40-", "If-Range": '"x"'}
        await fetch(f"http://good.test:{site.http_port}{path}", http=gateway.http, headers=headers)
    assert asked == [("/a.apk", None, None), ("/film", "bytes=40-", '"x"')]


async def test_what_is_read_in_parts_or_is_too_long_is_left_in_parts(start: Start) -> None:
    """A film may be called a stream of octets: its player must not be sent all of it at each jump."""
    gateway, site = await start(BAD, change=lambda given: replace(given, hold_limit=100_000))
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Range"))
        if request.path == "/film":
            said = {"Content-Type": "application/octet-stream", "Content-Range": "bytes 0-9/900"}
            return web.Response(body=b"0123456789", status=206, headers=said)
        return web.Response(body=b"x" * 200_000, headers={"Content-Type": "application/octet-stream"})

    site.answers["/film"] = site.answers["/long"] = answer
    for path in ("/film", "/film", "/long", "/long"):
        await fetch(f"http://good.test:{site.http_port}{path}", http=gateway.http, headers={"Range": "bytes=0-9"})
    assert asked == ["bytes=0-9"] * 4


@pytest.mark.parametrize(("kind", "whole"), [("application/octet-stream", True), ("video/mp4", False)])
async def test_a_resumed_download_is_asked_for_whole_whatever_its_address_is_called(
    start: Start, kind: str, whole: bool
) -> None:
    gateway, site = await start(BAD)
    body, asked = b"a" * 40 + VIRUS, []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Range"))
        cut = body[:40] if len(asked) == 1 else body
        return web.Response(body=cut, headers={"Content-Type": kind})

    site.answers["/get"] = answer
    url = f"http://good.test:{site.http_port}/get?id=7"
    await fetch(url, http=gateway.http)
    await fetch(url, http=gateway.http, headers={"Range": "bytes=40-", "If-Range": '"x"'})
    await fetch(url.replace("id=7", "id=8"), http=gateway.http, headers={"Range": "bytes=40-"})
    assert asked == [None, None if whole else "bytes=40-", "bytes=40-"]


class Scanning:
    """Scan as a scan process does, here; remember what was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.names: list[str] = []
        self._error = error

    async def scan(self, name: str, body: bytes, sha256: str) -> ScanReport:
        assert sha256 == hashlib.sha256(body).hexdigest()
        self.names.append(name)
        if self._error is not None:
            raise self._error
        return FileScan(Limits()).scan(name, body)


def encrypted() -> bytes:
    """Return an archive whose member says that it is encrypted."""
    data = bytearray(harmless.zipped())
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(sign) + at] |= 1
    return bytes(data)


BANKER = ("android.permission.READ_SMS", "android.permission.BIND_ACCESSIBILITY_SERVICE")
APK = "application/vnd.android.package-archive"


@pytest.mark.parametrize("body", [harmless.zipped(), harmless.package()], ids=["zip", "apk"])
async def test_a_listed_file_within_a_file_is_found_and_named(start: Start, body: bytes) -> None:
    gateway, site = await start(BAD, change=lambda given: replace(given, scanner=Scanning()))
    url = serve(site, body, Content_Type="text/html", Content_Disposition='attachment; filename="app.bin"')
    answer = await fetch(url, http=gateway.http)
    assert answer.status == 403
    [(_, seen, verdict, _)] = gateway.reports.events
    assert seen.hashes == tuple(hashlib.new(name, body).hexdigest() for name in ("sha256", "sha1", "md5"))
    assert verdict.winner is not None
    assert "File app.bin (" in verdict.winner.description
    if body == harmless.package():
        assert f"package {harmless.PACKAGE} 1.0" in verdict.winner.description


async def test_a_suspicious_app_is_warned_of_with_its_reasons(start: Start) -> None:
    gateway, site = await start(change=lambda given: replace(given, scanner=Scanning()))
    answer = await fetch(serve(site, harmless.package(permissions=BANKER), Content_Type=APK), http=gateway.http)
    assert answer.status == 403
    assert "banker permissions" in answer.text
    [(_, _, verdict, _)] = gateway.reports.events
    assert verdict.action is Action.WARN
    assert "BIND_ACCESSIBILITY_SERVICE, READ_SMS" in verdict.winner.description


@pytest.mark.parametrize("whose", ["this signer's", "another's"])
async def test_a_package_of_a_listed_signer_is_withheld(start: Start, whose: str) -> None:
    signer = Signer()
    thumbprint = signer.thumbprint if whose == "this signer's" else "ab" * 20
    listed = Indicator(thumbprint, IndicatorType.CERTIFICATE, Action.BLOCK, FEED, category=Category.MALWARE)
    gateway, site = await start(listed, change=lambda given: replace(given, scanner=Scanning()))
    url = serve(site, signer.by_block(SCHEMES["3"]), Content_Type=APK)
    answer = await fetch(url, http=gateway.http)
    assert answer.status == (403 if whose == "this signer's" else 200)
    if answer.status == 403:
        [(_, _, verdict, _)] = gateway.reports.events
        assert verdict.matches[0].observable == signer.thumbprint
        assert f"signed by {signer.thumbprint}" in verdict.winner.description


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"Rar!\x1a\x07\x01\x00", ["archive that cannot be opened here"]),
        (encrypted(), ["encrypted archive"]),
        (harmless.package(), []),
    ],
    ids=["rar", "encrypted", "an app"],
)
@pytest.mark.parametrize("unreadable", [Action.ALLOW, Action.BLOCK])
async def test_what_was_not_looked_into_is_said(start: Start, body: bytes, why: list[str], unreadable: Action) -> None:
    unseen: list[tuple[str, str]] = []
    policy = ScanPolicy(unreadable=unreadable)
    gateway, site = await start(change=noting(unseen, scanner=Scanning(), scan=policy))
    answer = await fetch(serve(site, body, Content_Type="application/zip"), http=gateway.http)
    blocked = bool(why) and unreadable is Action.BLOCK
    assert answer.status == (403 if blocked else 200)
    assert unseen == ([] if blocked else [("127.0.0.1", one) for one in why])


async def test_an_allowed_hash_outranks_a_scan(start: Start) -> None:
    body = harmless.package(permissions=BANKER)
    allowed = replace(hash_of(body), action=Action.ALLOW, origin=CUSTOM)
    gateway, site = await start(allowed, change=lambda given: replace(given, scanner=Scanning()))
    answer = await fetch(serve(site, body, Content_Type=APK), http=gateway.http)
    assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize(("on_error", "status"), [(OnError.CLOSED, 403), (OnError.OPEN, 200)])
@pytest.mark.parametrize("error", [ScanError("the scan process has ended"), TimeoutError()], ids=["ended", "time"])
async def test_a_scan_that_fails_follows_on_error(
    start: Start, on_error: OnError, status: int, error: Exception
) -> None:
    unseen: list[tuple[str, str]] = []
    gateway, site = await start(change=noting(unseen, scanner=Scanning(error), on_error=on_error))
    answer = await fetch(serve(site, harmless.zipped(), Content_Type="application/zip"), http=gateway.http)
    assert answer.status == status
    assert unseen == ([("127.0.0.1", "its scan failed")] if status == 200 else [])


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "image/png", "application/json"])
async def test_a_file_is_one_by_its_name_too(start: Start, kind: str) -> None:
    gateway, site = await start(BAD, change=lambda given: replace(given, scanner=Scanning()))
    body = longer(harmless.package())

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Type": kind})

    site.answers["/a.apk"] = answer
    assert (await fetch(f"http://good.test:{site.http_port}/a.apk", http=gateway.http)).status == 403


def longer(body: bytes) -> bytes:
    """Return a package longer than what plain text is held up to; a ZIP may have anything before it."""
    return b"x" * 1_100_000 + body


async def test_only_kinds_that_policy_names_are_scanned(start: Start) -> None:
    scanning = Scanning()
    only = ScanPolicy(kinds=frozenset({Group.APK}))
    gateway, site = await start(change=lambda given: replace(given, scanner=scanning, scan=only))
    for body in (harmless.zipped(), b"plain", harmless.package(), gzip.compress(harmless.package())):
        await fetch(serve(site, body, Content_Type="application/x"), http=gateway.http)
    encoded = serve(site, gzip.compress(harmless.package()), Content_Type="application/x", Content_Encoding="gzip")
    await fetch(encoded, http=gateway.http)
    assert scanning.names == ["file", "file"]


class Slowly:
    """Scan when told to, and count how many bodies are being scanned."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = 0

    async def scan(self, name: str, body: bytes, sha256: str) -> ScanReport:
        self.begun += 1
        await self.go.wait()
        return FileScan(Limits()).scan(name, body)


LONG = harmless.zipped() + b"\0" * 20_000_000  # more than buffers on the way take


def sending(site: Origin) -> list[int]:
    """Serve `LONG` in pieces; return how many bytes of each answer the origin could send."""
    sent: list[int] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "application/zip", "Content-Length": str(len(LONG))}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        mine = len(sent)
        sent.append(0)
        for begin in range(0, len(LONG), 65_536):
            piece = LONG[begin : begin + 65_536]
            await response.write(piece)
            sent[mine] += len(piece)
        return response

    site.answers["/file"] = answer
    return sent


async def directly(url: str) -> None:
    """Fetch past the gateway."""
    async with ClientSession() as session, session.get(url.replace("good.test", "127.0.0.1")) as answer:
        assert await answer.read() == LONG


async def held_by_one(start: Start, **changes: object) -> tuple[str, int, Slowly, HeldBytes, list[int]]:
    """Start a gateway with room for one body."""
    scanning, held = Slowly(), HeldBytes(len(LONG) + 1000)
    given = {"scanner": scanning, "held": held, "streams": True, **changes}
    gateway, site = await start(change=lambda services: replace(services, **given))
    return f"http://good.test:{site.http_port}/file", gateway.http, scanning, held, sending(site)


async def test_a_download_without_room_waits_for_its_turn_and_then_passes(start: Start) -> None:
    url, door, scanning, held, sent = await held_by_one(start)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        first = group.create_task(fetch(url, http=door))
        await until(lambda: scanning.begun == 1)
        second = group.create_task(fetch(url, http=door))
        await until(lambda: held.waiting == 1)
        await directly(url)  # the time in which a server that is not held back sends it all
        assert (scanning.begun, sent[2], sent[1] < len(LONG)) == (1, len(LONG), True)
        scanning.go.set()
    for answer in (first.result(), second.result()):
        assert (answer.status, answer.body == LONG) == (200, True)
    assert (scanning.begun, held.held, held.waiting) == (2, 0, 0)


@pytest.mark.parametrize(("blocks", "status"), [(False, 200), (True, 403)])
async def test_a_download_that_has_no_turn_in_time_is_treated_as_too_long(
    start: Start, blocks: bool, status: int
) -> None:
    url, door, scanning, held, _ = await held_by_one(start, blocks_large=blocks, scan=ScanPolicy(hold=1.0))
    assert held.take_now(Holder("another", "flow"), len(LONG))
    answer = await fetch(url, http=door)
    assert (answer.status, answer.body == LONG, scanning.begun) == (status, not blocks, 0)
    assert (b"too many other downloads" in answer.body) is blocks
    assert (held.held, held.waiting) == (len(LONG), 0)


class Roomless(HeldBytes):
    """Fail whoever asks for room."""

    async def take(self, who: Holder, size: int, within: float) -> bool:
        raise RuntimeError("broken on purpose")


@pytest.mark.parametrize("settings", [CLOSED, OPEN], ids=["closed", "open"])
async def test_a_wait_for_room_that_fails_follows_on_error(start: Start, settings: PolicySettings) -> None:
    held = Roomless(1000)
    assert held.take_now(Holder("another", "flow"), 1000)
    gateway, site = await start(BAD, settings=settings, change=lambda given: replace(given, held=held))
    url = serve(site, harmless.zipped(), Content_Type="application/zip")
    if settings is CLOSED:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await fetch(url, http=gateway.http)
    else:
        answer = await fetch(url, http=gateway.http)
        assert (answer.status, answer.body) == (200, harmless.zipped())


async def test_a_client_that_goes_while_it_waits_leaves_the_line(start: Start) -> None:
    url, door, _, held, _ = await held_by_one(start)
    assert held.take_now(Holder("another", "flow"), len(LONG))
    fetching = asyncio.create_task(fetch(url, http=door))
    async with asyncio.timeout(20):
        await until(lambda: held.waiting == 1)
        fetching.cancel()
        await until(lambda: held.waiting == 0)
    assert held.held == len(LONG)


@pytest.mark.parametrize("broken", [True, False], ids=["the server breaks off", "it outgrows the limit"])
async def test_room_is_free_again_after_a_body_that_was_not_judged(start: Start, broken: bool) -> None:
    held = HeldBytes()
    gateway, site = await start(BAD, change=lambda given: replace(given, held=held, hold_limit=100_000))
    seen: list[int] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/zip"})
        await response.prepare(request)
        await response.write(b"x" * 1000)
        await until(lambda: held.held == 100_000)
        if broken:
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(b"x" * 200_000)
        await until(lambda: held.held == 0)  # while it is still passing
        seen.append(held.held)
        return response

    site.answers["/file"] = answer
    async with asyncio.timeout(20):
        await fetch(f"http://good.test:{site.http_port}/file", http=gateway.http)
        await until(lambda: held.held == 0)
    assert seen == ([] if broken else [0])


@pytest.mark.parametrize("streams", [True, False], ids=["gateway", "stock mitmproxy"])
async def test_a_body_is_dropped_once_it_was_sent_unless_others_may_want_it(start: Start, streams: bool) -> None:
    """A flow is part of cycles: fifty bodies of 20 MB were kept until somebody looked for such."""
    gateway, site = await start(change=lambda given: replace(given, scanner=Scanning(), streams=streams))
    flows: list[http.HTTPFlow] = []

    class Watch:
        name = "watch"

        def response(self, flow: http.HTTPFlow) -> None:
            flows.append(flow)

    gateway.engine._master.addons.add(Watch())
    body = harmless.zipped()
    answer = await fetch(serve(site, body, Content_Type="application/zip"), http=gateway.http)
    assert answer.body == body
    [flow] = flows
    assert flow.response is not None
    assert flow.response.raw_content == (None if streams else body)


class OverHttp2:
    """Say of every server that its connection is one of HTTP/2, where bodies cannot wait one by one."""

    name = "over-http2"

    def seawall_upstream_ready(self, flow: http.HTTPFlow) -> None:
        flow.server_conn.alpn = b"h2"


@pytest.mark.parametrize(("blocks_large", "status"), [(False, 200), (True, 403)], ids=["pass", "block"])
async def test_what_cannot_wait_finds_twice_the_room_and_no_more(start: Start, blocks_large: bool, status: int) -> None:
    scanning, held = Slowly(), HeldBytes(1_000)
    given = {"scanner": scanning, "held": held, "streams": True, "blocks_large": blocks_large}
    gateway, site = await start(change=lambda services: replace(services, **given))
    gateway.engine._master.addons.add(OverHttp2())
    body = harmless.zipped() + bytes(900)  # so long that two find room and a third does not
    url = serve(site, body, Content_Type="application/zip")
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        held_ones = [group.create_task(fetch(url, http=gateway.http)) for _ in range(2)]
        await until(lambda: scanning.begun == 2)
        beyond = await fetch(url, http=gateway.http)
        assert (beyond.status, beyond.body == body) == (status, not blocks_large)
        assert (scanning.begun, held.waiting) == (2, 0)
        scanning.go.set()
    assert [(one.result().status, one.result().body == body) for one in held_ones] == [(200, True)] * 2
    assert held.held == 0
