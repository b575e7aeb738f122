from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from indicators.inspection import InspectLists
from indicators.observation import Device
from indicators.words import Action, Enforcement
from tests.addons.conftest import Start
from tests.addons.test_sharing import asking, scripted
from tests.support.authority import make_certificate
from tests.support.browsing import RefusedError, fetch, line
from tests.support.inspecting import Inspecting
from tests.support.origin import Origin
from tests.support.sights import CUSTOM, indicator

EVIL = indicator("evil.test")
LISTED = indicator("mixed.test/bad")


@pytest.mark.parametrize("door", ["http", "socks"])
async def test_a_blocked_name_in_the_client_hello_of_a_good_destination_is_stopped(start: Start, door: str) -> None:
    gateway, site = await start(EVIL)
    url = f"https://good.test:{site.https_port}/"
    async with line(url, trust=gateway.ca, sni="evil.test", **{door: getattr(gateway, door)}) as opened:
        assert (await opened.ask("/x", host="evil.test")).status == 403
    assert site.requests == []
    assert gateway.reports.events[0][1].host == "evil.test"


@pytest.mark.parametrize("door", ["http", "socks"])
async def test_a_good_name_in_the_client_hello_does_not_open_a_blocked_destination(start: Start, door: str) -> None:
    gateway, site = await start(EVIL)
    url = f"https://evil.test:{site.https_port}/"
    async with line(url, trust=gateway.ca, sni="good.test", **{door: getattr(gateway, door)}) as opened:
        assert (await opened.ask("/x", host="good.test")).status == 403
    assert (site.connections, gateway.resolver.asked) == (0, [])


async def test_an_address_with_a_blocked_name_is_stopped_by_the_name(start: Start) -> None:
    gateway, site = await start(EVIL)
    async with line(
        f"https://127.0.0.1:{site.https_port}/", socks=gateway.socks, trust=gateway.ca, sni="evil.test"
    ) as opened:
        assert (await opened.ask("/x", host="evil.test")).status == 403
    assert site.requests == []


@pytest.mark.parametrize(("door", "status"), [("http", 403), ("socks", None)])
async def test_a_device_that_refuses_our_certificate_gets_no_further_page(
    start: Start, door: str, status: int | None
) -> None:
    gateway, site = await start(EVIL)
    address = {door: getattr(gateway, door)}
    url = f"https://evil.test:{site.https_port}/"
    with pytest.raises(ssl.SSLCertVerificationError):
        await fetch(url, trust=site.certificate, **address)
    await until(lambda: len(gateway.reports.events) == 1)
    if status:
        with pytest.raises(RefusedError) as refused:
            await fetch(url, trust=gateway.ca, **address)
        assert refused.value.status == status
        assert b"Incident: INC-" in refused.value.body
    else:
        with pytest.raises(ssl.SSLError, match=r"(?i)access.denied"):
            await fetch(url, trust=gateway.ca, **address)
    assert {done for _, done in gateway.reports.done} == {Enforcement.RESET}
    assert (site.connections, gateway.resolver.asked) == (0, [])


async def test_a_refusal_fades_and_is_forgotten_when_the_device_fetches_our_ca(start: Start) -> None:
    gateway, site = await start(EVIL)
    url = f"https://evil.test:{site.https_port}/"
    with pytest.raises(ssl.SSLCertVerificationError):
        await fetch(url, trust=site.certificate, http=gateway.http)
    await until(lambda: bool(gateway.reports.events))
    with pytest.raises(RefusedError):
        await fetch(url, trust=gateway.ca, http=gateway.http)
    assert (await fetch("http://seawall.internal/ca.pem", http=gateway.http)).status == 200
    assert (await fetch(url, trust=gateway.ca, http=gateway.http)).status == 403


async def test_a_host_on_the_inspect_list_is_opened_only_for_devices_that_trust_us(start: Start) -> None:
    lists = InspectLists.of(["good.test"], [])
    gateway, site = await start(lists=lists)
    url = f"https://good.test:{site.https_port}/"
    async with line(url, http=gateway.http, trust=site.certificate) as opened:
        assert opened.certificate == site.der
    gateway.trust()
    async with line(url, http=gateway.http, trust=gateway.ca) as opened:
        assert opened.certificate != site.der
        assert (await opened.ask()).status == 200


async def test_never_inspect_beats_listed_urls_and_not_a_block(start: Start) -> None:
    gateway, site = await start(LISTED, EVIL, lists=InspectLists.of([], ["mixed.test", "evil.test"]))
    gateway.trust()
    async with line(f"https://mixed.test:{site.https_port}/", http=gateway.http, trust=site.certificate) as opened:
        assert (await opened.ask("/bad")).status == 200
    assert (await fetch(f"https://evil.test:{site.https_port}/", http=gateway.http, trust=gateway.ca)).status == 403


@pytest.mark.parametrize(
    ("wrong", "why"), [("authority", "self-signed"), ("name", "hostname mismatch"), ("time", "has expired")]
)
async def test_a_server_certificate_that_does_not_verify_is_never_hidden(
    start: Start, tmp_path: Path, wrong: str, why: str
) -> None:
    """The client is told why, by either version of HTTP; the server never hears of the request."""
    server = Origin(tmp_path / "server.pem", tmp_path / "server.key")
    name = "other.test" if wrong == "name" else "mixed.test"
    make_certificate(server.certificate, server.key, name, expired=wrong == "time")
    gateway, _ = await start(LISTED, upstream=None if wrong == "authority" else server.certificate)
    gateway.trust()
    async with scripted(server) as there:
        answer = await fetch(f"https://mixed.test:{there.port}/x", http=gateway.http, trust=gateway.ca)
        assert answer.status == 502
        assert why in answer.text
        async with asking(gateway, there.port) as client:
            assert await client.answers([client.begin("/x") for _ in range(3)]) == [502] * 3
    assert there.heads == []


BROKEN = {
    "cut short": b"\x16\x03\x01\x00\xff\x01\x00\x00\xfb\x03\x03" + bytes(40),
    "no hello": b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00",
    "lengths that lie": b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03" + bytes(32) + b"\xff\xff\xff\xff\xff\xff\xff",
    "empty record": b"\x16\x03\x01\x00\x00",
    "only a head": b"\x16\x03",
    "a name that is none": None,
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("door", ["http", "socks"])
async def test_a_broken_client_hello_reaches_nobody_and_harms_nobody(start: Start, what: str, door: str) -> None:
    gateway, site = await start(EVIL)
    hello = BROKEN[what] or hello_for(b"b\xffd..name")
    async with line(f"tcp://evil.test:{site.https_port}/", **{door: getattr(gateway, door)}) as opened:
        opened.writer.write(hello)
        opened.writer.write_eof()
        async with asyncio.timeout(20):
            assert not (await opened.reader.read()).startswith(b"\x16")
    assert (site.connections, gateway.resolver.asked) == (0, [])
    assert (await fetch(f"http://good.test:{site.http_port}/", http=gateway.http)).status == 200


def hello_for(name: bytes) -> bytes:
    """Return a ClientHello whose server name is these bytes."""
    entry = b"\x00" + len(name).to_bytes(2) + name
    server_name = b"\x00\x00" + (len(entry) + 2).to_bytes(2) + len(entry).to_bytes(2) + entry
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    body += len(server_name).to_bytes(2) + server_name
    handshake = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + len(handshake).to_bytes(2) + handshake


@pytest.mark.parametrize("name", [b"a b", b"..", b"\xff\xfe", b"x" * 300])
async def test_a_server_name_that_is_no_name_ends_the_handshake(start: Start, name: bytes) -> None:
    gateway, site = await start()
    async with line(f"tcp://good.test:{site.https_port}/", http=gateway.http) as opened:
        opened.writer.write(hello_for(name))
        async with asyncio.timeout(20):
            heard = await opened.reader.read()
    assert heard[:1] in (b"", b"\x15")
    assert site.requests == []


async def test_an_audited_name_is_spliced_and_reported(start: Start) -> None:
    gateway, site = await start(replace(EVIL, action=Action.AUDIT, origin=CUSTOM))
    url = f"https://good.test:{site.https_port}/"
    async with line(url, socks=gateway.socks, trust=site.certificate, sni="evil.test") as opened:
        assert opened.certificate == site.der
    assert [done for _, done in gateway.reports.done] == [Enforcement.PASSED]


async def until(holds: object) -> None:
    async with asyncio.timeout(20):
        while not holds():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_tls_to_the_proxy_itself_is_answered_under_our_ca(start: Start) -> None:
    gateway, site = await start(EVIL)
    trust = ssl.create_default_context(cafile=gateway.ca)
    trust.check_hostname = False
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http, ssl=trust)
        writer.write(b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n")
        assert b" 403 " in await reader.readline()
        writer.close()
    assert site.requests == []


async def certificate_at_an_address(gateway: Inspecting, port: int) -> bytes:
    """Return whose certificate a client is shown that names nobody."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    async with line(f"raw://127.0.0.1:{port}", socks=gateway.socks) as opened:
        await opened.writer.start_tls(anybody, server_hostname="127.0.0.1")  # an address is not sent as a name
        return opened.certificate


@pytest.mark.parametrize(
    ("given", "blocked"),
    [
        (("evil.test", "good.test"), True),
        (("good.test", "evil.test"), False),
        ((), False),
        (OSError("away"), False),
        (ValueError("nonsense"), False),
    ],
)
async def test_a_hello_that_names_nobody_is_judged_by_the_name_that_our_dns_gave(
    start: Start, given: tuple[str, ...] | Exception, blocked: bool
) -> None:
    asked: list[tuple[str, str]] = []

    async def names(address: str, device: Device) -> tuple[str, ...]:
        asked.append((address, device.id))
        if isinstance(given, Exception):
            raise given
        return given

    gateway, site = await start(EVIL, given=names)
    assert (await certificate_at_an_address(gateway, site.https_port) != site.der) is blocked
    assert asked == [("127.0.0.1", "client")]
    async with line(f"https://good.test:{site.https_port}", http=gateway.http, trust=site.certificate) as opened:
        assert opened.certificate == site.der
    assert len(asked) == 1, "a hello with a name needs no other"
