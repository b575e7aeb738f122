from __future__ import annotations

import asyncio
import json
import socket
import threading
from base64 import b64encode
from pathlib import Path

import pytest
from aiohttp import web
from dnslib import QTYPE, RR, A, DNSRecord

from proxy.pilot.clients import Answer, AsDevice, CollectorClient, Endpoints, PilotError, ProxyClient, Reply, ask_dns
from tests.support.authority import make_authority
from tests.support.front import origin

GOOD = {
    "http_proxy": "127.0.0.1:1",
    "dns": "[::1]:53",
    "collector": "http://127.0.0.1:1",
    "ca": "ca.pem",
    "read_token": "t",
}


def test_endpoints_are_read_with_ipv6_in_brackets(tmp_path: Path) -> None:
    (tmp_path / "e").write_text(json.dumps(GOOD))
    assert Endpoints.read(tmp_path / "e").dns == ("::1", 53)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "no gateway is running .* start it with `seawall run`"),
        ("{", "cannot be used"),
        ("{}", "cannot be used"),
        (json.dumps(GOOD | {"dns": 5}), "cannot be used"),
    ],
)
def test_a_missing_or_damaged_file_is_said(tmp_path: Path, text: str | None, complaint: str) -> None:
    if text is not None:
        (tmp_path / "e").write_text(text)
    with pytest.raises(PilotError, match=complaint):
        Endpoints.read(tmp_path / "e")


@pytest.mark.parametrize(
    ("body", "incident"),
    [('{"incident": "i1"}', "i1"), ("{}", ""), ("[1]", ""), ("<html>", ""), ('{"incident": null}', "")],
)
def test_a_field_of_a_reply(body: str, incident: str) -> None:
    assert Reply(403, body).field("incident") == incident


@pytest.mark.parametrize(
    ("addresses", "refusal"), [((), True), (("0.0.0.0",), True), (("::",), True), (("0.0.0.0", "192.0.2.1"), False)]
)
def test_a_refusal_gives_no_usable_address(addresses: tuple[str, ...], refusal: bool) -> None:
    assert Answer(0, addresses, ()).is_refusal is refusal


def _endpoints(tmp_path: Path, **changed: object) -> Endpoints:
    path = tmp_path / "e"
    path.write_text(json.dumps(GOOD | {"ca": str(make_authority(tmp_path))} | changed))
    return Endpoints.read(path)


async def test_nobody_at_the_proxy_or_collector_is_an_error(tmp_path: Path) -> None:
    endpoints = _endpoints(tmp_path)
    with pytest.raises(PilotError, match="through http"):
        await ProxyClient(endpoints, "x").get("http://a.test/")
    with pytest.raises(PilotError, match="/api/alerts"):
        await CollectorClient(endpoints).alerts()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("url", ["http://a.test/", "https://a.test/"])
async def test_a_device_gives_its_password_to_the_proxy(tmp_path: Path, url: str) -> None:
    heads = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with origin(refuse) as port:
        client = ProxyClient(
            _endpoints(tmp_path, http_proxy=f"127.0.0.1:{port}"), "x", AsDevice("d", "phone", "t", "u", "secret:/@ä")
        )
        try:
            assert (await client.get(url)).status == 407
        except PilotError as refused:
            assert "secret" not in str(refused), "the password is nobody's to read"
    assert b"Proxy-Authorization: Basic " + b64encode("u:secret:/@ä".encode()) in heads[0]


def test_a_ca_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match="the CA certificate cannot be read"):
        ProxyClient(_endpoints(tmp_path, ca=str(tmp_path / "nothing")), "x")


async def test_a_collector_that_refuses_is_an_error(tmp_path: Path) -> None:
    app = web.Application()

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=401)

    app.router.add_get("/api/machines", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        host, port = runner.addresses[0][:2]
        with pytest.raises(PilotError, match="answers 401"):
            await CollectorClient(_endpoints(tmp_path, collector=f"http://{host}:{port}")).machines()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("reply", ["good", "garbage", "other id"])
async def test_what_dns_answers(reply: str) -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def answer() -> None:
        packet, client = server.recvfrom(4096)
        record = DNSRecord.parse(packet).reply()
        record.add_answer(RR("a.test", QTYPE.A, rdata=A("0.0.0.0"), ttl=1))
        if reply == "other id":
            record.header.id ^= 1
        server.sendto(b"\x00" if reply == "garbage" else record.pack(), client)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        if reply == "good":
            assert (await ask_dns(server.getsockname(), "a.test")).is_refusal
        else:
            with pytest.raises(PilotError, match="asked of DNS"):
                await ask_dns(server.getsockname(), "a.test")
    finally:
        thread.join()
        server.close()
