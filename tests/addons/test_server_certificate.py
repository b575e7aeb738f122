from __future__ import annotations

import asyncio
import hashlib
import ssl
from pathlib import Path

import pytest

from addons.server_certificate import ServerCertificateGate
from indicators.indicator import Indicator
from indicators.inspection import InspectLists
from indicators.settings import PolicySettings
from indicators.words import Action, Enforcement, IndicatorType, Stage
from tests.addons.conftest import Start
from tests.support.authority import make_certificate
from tests.support.browsing import fetch, line
from tests.support.inspecting import CLOSED, OPEN
from tests.support.sights import CUSTOM

OPENED = InspectLists.of(["good.test"], [])


def listed(thumbprint: str, action: Action = Action.BLOCK) -> Indicator:
    return Indicator(thumbprint, IndicatorType.CERTIFICATE, action, CUSTOM)


@pytest.mark.parametrize("door", ["http", "socks"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_server_with_a_listed_certificate_gets_no_request(start: Start, door: str, method: str) -> None:
    gateway, site = await start(lists=OPENED)
    gateway.trust()
    gateway.policy.use([listed(site.thumbprint)])
    url = f"https://good.test:{site.https_port}/x"
    body = b"secret" if method == "POST" else b""
    async with line(url, trust=gateway.ca, **{door: getattr(gateway, door)}) as opened:
        answer = await opened.ask("/x", method, body=body)
        assert answer.status == 403
        assert (await opened.ask("/y")).status == 403
    assert site.requests == []
    _, seen, _, done = gateway.reports.events[0]
    assert (seen.stage, seen.certificate, seen.url, done) == (
        Stage.SERVER_CERT,
        site.thumbprint,
        url,
        Enforcement.PAGE,
    )


async def test_an_audited_certificate_passes_and_is_reported(start: Start) -> None:
    gateway, site = await start(lists=OPENED)
    gateway.trust()
    gateway.policy.use([listed(site.thumbprint, Action.AUDIT)])
    url = f"https://good.test:{site.https_port}/x"
    assert (await fetch(url, http=gateway.http, trust=gateway.ca)).status == 200
    assert gateway.reports.done == [("good.test", Enforcement.PASSED)]


async def test_another_certificate_is_no_matter(start: Start) -> None:
    gateway, site = await start(listed("0" * 40), lists=OPENED)
    gateway.trust()
    assert (await fetch(f"https://good.test:{site.https_port}/", http=gateway.http, trust=gateway.ca)).status == 200


async def test_a_server_that_nothing_is_known_of_is_judged_again_when_that_may_have_changed(start: Start) -> None:
    gateway, site = await start(lists=OPENED)
    gateway.trust()
    async with line(f"https://good.test:{site.https_port}/", trust=gateway.ca, http=gateway.http) as opened:
        assert [(await opened.ask("/x")).status for _ in range(3)] == [200] * 3
        assert [seen.stage for seen in gateway.policy.seen].count(Stage.SERVER_CERT) == 1
        gateway.policy.use([listed(site.thumbprint)])
        assert (await opened.ask("/x")).status == 403
    assert len(site.requests) == 3


async def test_a_request_of_which_something_is_known_is_judged_with_the_server(start: Start) -> None:
    gateway, site = await start(lists=OPENED)
    gateway.trust()
    audited = Indicator("good.test/audited", IndicatorType.URL, Action.AUDIT, CUSTOM)
    gateway.policy.use([audited])
    async with line(f"https://good.test:{site.https_port}/", trust=gateway.ca, http=gateway.http) as opened:
        assert [(await opened.ask(path)).status for path in ("/x", "/audited", "/x")] == [200] * 3
    judged = [(seen.url or "").rpartition("/")[2] for seen in gateway.policy.seen if seen.stage is Stage.SERVER_CERT]
    assert judged == ["x", "audited"]


async def test_no_more_servers_are_remembered_than_that(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.server_certificate._VOUCHED", 0)
    gateway, site = await start(lists=OPENED)
    gateway.trust()
    async with line(f"https://good.test:{site.https_port}/", trust=gateway.ca, http=gateway.http) as opened:
        assert [(await opened.ask("/x")).status for _ in range(2)] == [200] * 2
    (visits,) = {addon._visits for addon in gateway.addons if isinstance(addon, ServerCertificateGate)}
    assert all(len(visit.vouched) <= 1 for visit in visits._open.values())


RAW = [
    ("harmless", CLOSED, True),
    ("listed", CLOSED, False),
    ("judging fails", CLOSED, False),
    ("judging fails", OPEN, True),
    ("the hook fails", CLOSED, False),
    ("the hook fails", OPEN, True),
]


@pytest.mark.parametrize("port_is_tls", [True, False])
@pytest.mark.parametrize(("case", "settings", "passes"), RAW)
async def test_where_something_else_than_http_is_spoken_the_connection_ends(
    start: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    settings: PolicySettings,
    passes: bool,
    port_is_tls: bool,
) -> None:
    heard: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            heard.append(data)
            writer.write(data)
        writer.close()

    make_certificate(tmp_path / "raw.pem", tmp_path / "raw.key", "good.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "raw.pem", tmp_path / "raw.key")
    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    if port_is_tls:  # such a port is dialled late, when it is known what the client speaks
        monkeypatch.setattr("addons.destination.CLIENT_FIRST_PORTS", frozenset((port,)))
    gateway, _ = await start(lists=OPENED, upstream=tmp_path / "raw.pem", settings=settings)
    gateway.trust()
    thumbprint = hashlib.sha1(ssl.PEM_cert_to_DER_cert((tmp_path / "raw.pem").read_text())).hexdigest()
    if case == "listed":
        gateway.policy.use([listed(thumbprint)])
    elif case == "judging fails":
        gateway.policy.break_at = lambda seen: seen.stage is Stage.SERVER_CERT
    elif case == "the hook fails":
        gate = next(addon for addon in gateway.addons if isinstance(addon, ServerCertificateGate))
        monkeypatch.setattr(gate, "_judge_raw", None)
    async with line(f"tls://good.test:{port}/", socks=gateway.socks, trust=gateway.ca) as opened, asyncio.timeout(20):
        opened.writer.write(b"\x00\x01 not http")
        try:
            answer = await opened.reader.read(100)
        except ConnectionError:
            answer = b""
    server.close()
    assert answer == (b"\x00\x01 not http" if passes else b"")
    assert heard == ([answer] if passes else [])
    if case in ("listed", "judging fails"):
        assert gateway.reports.done[0] == ("good.test", Enforcement.PASSED if passes else Enforcement.RESET)
