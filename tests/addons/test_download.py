from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace

import pytest
from aiohttp import web

from addons.reserved_hosts import _EICAR
from indicators.indicator import Indicator
from indicators.settings import PolicySettings
from indicators.words import Action, Category, Enforcement, IndicatorType, Stage
from tests.addons.conftest import Start
from tests.support.browsing import fetch
from tests.support.origin import Answer, Origin
from tests.support.sights import FEED

VIRUS = "".join(_EICAR).encode()


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
    gateway, site = await start(BAD, change=lambda given: replace(given, hold_limit=100_000))
    body = b"x" * 400_000
    if known:
        serve(site, body, Content_Type="application/octet-stream")
    else:
        chunked(site, [body[:200_000], body[200_000:]])
    answer = await fetch(f"http://good.test:{site.http_port}/file", http=gateway.http)
    assert (answer.status, answer.body) == (200, body)
    gate = next(addon for addon in gateway.addons if getattr(addon, "name", "") == "seawall-download")
    assert gate.unhashed == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(("said", "status"), [("bytes 0-67/68", 403), ("bytes 0-67/900", 206)])
async def test_a_part_says_nothing_unless_it_is_the_whole(start: Start, said: str, status: int) -> None:
    gateway, site = await start(BAD)
    url = serve(site, VIRUS, Content_Type="application/zip", Content_Range=said, status="206")
    assert (await fetch(url, http=gateway.http)).status == status


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
