"""The application by itself: what a server hands in that no honest client sends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.observation import Device
from proxy.dns.clients import Client
from proxy.dns.tls import https
from proxy.dns.tls.https import HttpsApplication, freshness
from tests.support.resolver import question

CLIENT = Client(Device("one", "one"))
SCOPE: Mapping[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/dns-query",
    "query_string": b"",
    "headers": [(b"Content-Type", b"application/dns-message")],
    "client": ("127.0.0.1", 1),
}


class Exchange:
    """Hand in messages and keep what is sent."""

    def __init__(self, *messages: Mapping[str, Any]) -> None:
        self.messages = list(messages)
        self.sent: list[dict[str, Any]] = []
        self.asked: list[bytes] = []

    async def receive(self) -> Mapping[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def answer(self, packet: bytes, client: Client) -> bytes | None:
        self.asked.append(packet)
        if packet == b"break":
            raise RuntimeError("broken")
        return packet

    async def run(self, scope: Mapping[str, Any] = SCOPE) -> int:
        application = HttpsApplication(lambda token, address: CLIENT, self.answer, lambda client: True)
        await application(scope, self.receive, self.send)
        return int(self.sent[0]["status"]) if self.sent and "status" in self.sent[0] else 0


def body(data: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


async def test_a_body_in_parts_is_one() -> None:
    exchange = Exchange(body(b"a", True), body(b"", True), body(b"b"))
    assert await exchange.run() == 200
    assert exchange.asked == [b"ab"]


async def test_a_client_that_goes_away_is_asked_nothing() -> None:
    exchange = Exchange(body(b"a", True), {"type": "http.disconnect"})
    assert await exchange.run() == 400
    assert exchange.asked == []


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(https, "_BODY_WITHIN", 0.01)
    exchange = Exchange(body(b"a", True))
    assert await exchange.run() == 408
    assert exchange.asked == []


async def test_a_failure_is_a_500_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange(body(b"break"))
    assert await exchange.run() == 500
    assert "broken" in caplog.text
    assert b"broken" not in exchange.sent[1]["body"]


async def test_a_client_without_an_address_is_nobody() -> None:
    assert await Exchange().run({**SCOPE, "client": None}) == 403


async def test_a_websocket_is_closed() -> None:
    exchange = Exchange()
    await exchange.run({"type": "websocket"})
    assert exchange.sent == [{"type": "websocket.close"}]


@given(st.binary(max_size=200), st.sampled_from(["GET", "POST"]), st.text(max_size=40))
def test_any_bytes_get_a_status(data: bytes, method: str, path: str) -> None:
    """Whatever a request holds, it is answered with one status and one body, and never raises."""
    exchange = Exchange(body(data))
    scope = {**SCOPE, "method": method, "path": f"/dns-query{path}", "query_string": b"dns=" + data}
    status = asyncio.run(exchange.run(scope))
    assert status in (200, 400, 404)
    assert [message["type"] for message in exchange.sent] == ["http.response.start", "http.response.body"]


@given(st.binary(max_size=120))
def test_any_reply_has_a_freshness(reply: bytes) -> None:
    """What cannot be read may not be kept, and nothing is raised."""
    assert freshness(question("good.example"), reply) >= 0
    assert freshness(reply, reply) == 0
