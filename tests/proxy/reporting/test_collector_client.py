"""The HTTP client against a real server that answers as collectors do, and as they should not."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from proxy.reporting.collector_client import CollectorClient
from proxy.reporting.outcome import Delivered, Rejection, Retry, TooLarge, Unreadable

RECEIPT = {"accepted": 1, "duplicates": 0, "rejected": [{"index": 1, "id": "b", "error": "time: expected"}]}


class Server:
    def __init__(self) -> None:
        self.answer = web.json_response(RECEIPT)
        self.requests: list[tuple[str, str, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((request.path, request.headers["Authorization"], await request.json()))
        return self.answer


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, CollectorClient]]:
    made = Server()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    client = CollectorClient(f"http://127.0.0.1:{runner.addresses[0][1]}/", "the-token")
    yield made, client
    await client.close()
    await runner.cleanup()


async def test_events_are_posted_with_the_token(server: tuple[Server, CollectorClient]) -> None:
    outcome = await server[1].deliver([b'{"id":"a"}', b'{"id":"b"}'])
    assert outcome == Delivered((Rejection(1, "time: expected"),))
    assert server[0].requests == [("/api/v1/events", "Bearer the-token", {"events": [{"id": "a"}, {"id": "b"}]})]


@pytest.mark.parametrize(
    ("status", "text", "headers", "outcome"),
    [
        (413, "", {}, TooLarge()),
        (400, "not JSON", {}, Unreadable("not JSON")),
        (503, "", {"Retry-After": "7"}, Retry("the collector answers 503", 7.0)),
        (500, "", {"Retry-After": "soon"}, Retry("the collector answers 500")),
        (302, "", {"Location": "/elsewhere"}, Retry("the collector answers 302")),
        (401, "", {}, Retry("the collector answers 401: it does not know this gateway's token")),
        (
            200,
            json.dumps({**RECEIPT, "accepted": 0}),
            {},
            Retry("the collector's receipt does not account for all events"),
        ),
        (
            200,
            json.dumps({**RECEIPT, "rejected": [{"index": 9, "error": ""}]}),
            {},
            Retry("the collector's receipt does not account for all events"),
        ),
    ],
)
async def test_every_answer_has_its_outcome(
    server: tuple[Server, CollectorClient], status: int, text: str, headers: dict[str, str], outcome: object
) -> None:
    server[0].answer = web.Response(status=status, text=text, headers=headers)
    assert await server[1].deliver([b"{}", b"{}"]) == outcome


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"accepted": 1, "rejected": [3]}'])
async def test_a_receipt_that_is_none_means_sending_again(server: tuple[Server, CollectorClient], text: str) -> None:
    server[0].answer = web.Response(status=200, text=text)
    outcome = await server[1].deliver([b"{}"])
    assert isinstance(outcome, Retry)
    assert "receipt cannot be read" in outcome.reason


async def test_status_is_posted(server: tuple[Server, CollectorClient]) -> None:
    server[0].answer = web.Response(status=204)
    assert await server[1].tell_status({"gateway": "g"}) == ""
    assert server[0].requests[0][0] == "/api/v1/gateways/status"
    server[0].answer = web.Response(status=401)
    assert "answers 401" in await server[1].tell_status({"gateway": "g"})


async def test_coverage_is_posted(server: tuple[Server, CollectorClient]) -> None:
    server[0].answer = web.Response(status=204)
    assert await server[1].tell_coverage("g", [{"device": "d"}]) == ""
    assert server[0].requests[0][0] == "/api/v1/coverage"
    server[0].answer = web.Response(status=401)
    assert "answers 401" in await server[1].tell_coverage("g", [])


async def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    client = CollectorClient(f"http://127.0.0.1:{port}", "t")
    outcome = await client.deliver([b"{}"])
    assert isinstance(outcome, Retry)
    assert "cannot be reached" in outcome.reason
    assert "cannot be reached" in await client.tell_status({})
    assert "cannot be reached" in await client.tell_coverage("g", [])
    await client.close()
    await CollectorClient("http://127.0.0.1:1", "t").close()
