"""Fetching, against a real origin on loopback: conditions, caps, redirections, and where a feed may lead."""

from __future__ import annotations

import gzip
import hashlib
import socket
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from proxy.feeds import client
from proxy.feeds.client import Asking, is_literal, is_private, next_hop, refuse_special
from proxy.feeds.fetch import download, read_file
from proxy.feeds.inflate import FeedError, Limits

TEXT = b"evil.example\nbad.example\n" * 100
DIGEST = hashlib.sha256(TEXT).hexdigest()


def answering(**fields: Any) -> Any:
    return lambda _: web.Response(**fields)


async def test_a_feed_arrives_whole_with_what_its_next_condition_needs(origin: Any, tmp_path: Path) -> None:
    headers = {"ETag": '"v1"', "Last-Modified": "Mon, 23 Nov 2026 10:00:00 GMT"}
    origin.answer = answering(body=TEXT, headers=headers)
    arrived = await download(Asking(origin.url()), tmp_path / "into")
    assert arrived is not None
    assert (tmp_path / "into").read_bytes() == TEXT
    assert (arrived.digest, arrived.etag, arrived.modified) == (DIGEST, '"v1"', headers["Last-Modified"])


async def test_the_condition_is_sent_and_unchanged_is_nothing(origin: Any, tmp_path: Path) -> None:
    origin.answer = answering(status=304)
    assert await download(Asking(origin.url()), tmp_path / "into", etag='"v1"', modified="then") is None
    assert origin.requests[0].headers["If-None-Match"] == '"v1"'
    assert origin.requests[0].headers["If-Modified-Since"] == "then"
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("coding", [{"Content-Encoding": "gzip"}, {}])
async def test_gzip_is_unpacked_as_a_coding_and_as_a_file(origin: Any, tmp_path: Path, coding: dict[str, str]) -> None:
    body = gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])
    origin.answer = answering(body=body, headers=coding)
    arrived = await download(Asking(origin.url("/list.gz")), tmp_path / "into")
    assert arrived is not None
    assert arrived.digest == DIGEST


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": 404}, "answered 404"),
        ({"status": 503, "reason": "Busy"}, "answered 503 Busy"),
        ({"body": gzip.compress(TEXT)[:-20], "headers": {"Content-Encoding": "gzip"}}, "ends in the middle"),
        ({"body": b"\x1f\x8bnonsense" * 9}, "damaged"),
        ({"body": b"x", "headers": {"Content-Encoding": "br"}}, "'br', which was not asked for"),
        ({"status": 302, "headers": {}}, "nowhere"),
        ({"status": 302, "headers": {"Location": "file:///etc/passwd"}}, "not http or https"),
        ({"status": 302, "headers": {"Location": "http://[::bad/"}}, "cannot be read"),
        ({"status": 302, "headers": {"Location": "/again"}}, "more than 5 times"),
    ],
)
async def test_what_is_refused_and_why(origin: Any, tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    origin.answer = answering(**fields)
    with pytest.raises(FeedError, match=reason):
        await download(Asking(origin.url()), tmp_path / "into")
    assert not (tmp_path / "into").exists()


async def test_a_bomb_stays_small(origin: Any, tmp_path: Path) -> None:
    small = Asking(origin.url(), limits=Limits(arrived=1 << 20, inflated=1 << 20))
    origin.answer = answering(body=gzip.compress(bytes(50 << 20)))
    with pytest.raises(FeedError, match="1 MB unpacked"):
        await download(small, tmp_path / "into")
    origin.answer = answering(body=b"x" * (2 << 20))
    with pytest.raises(FeedError, match="1 MB as sent"):
        await download(small, tmp_path / "into")


async def test_a_redirection_is_followed(origin: Any, tmp_path: Path) -> None:
    def answer(request: web.BaseRequest) -> web.Response:
        if request.path == "/old":
            return web.Response(status=301, headers={"Location": "/new"})
        return web.Response(body=TEXT)

    origin.answer = answer
    arrived = await download(Asking(origin.url("/old")), tmp_path / "into")
    assert arrived is not None
    assert [request.path for request in origin.requests] == ["/old", "/new"]


async def test_a_public_name_may_not_lead_to_a_private_address(
    origin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def loopback(self: object, host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    monkeypatch.setattr(client._Resolver, "_ask", loopback)
    with pytest.raises(FeedError, match=r"feeds\.example leads to 127\.0\.0\.1, which is no public address"):
        await download(Asking(origin.url(host="feeds.example")), tmp_path / "into")
    assert origin.requests == []


async def test_a_name_fixed_in_the_configuration_may(origin: Any, tmp_path: Path) -> None:
    origin.answer = answering(body=TEXT)
    arrived = await download(
        Asking(origin.url(host="feeds.example"), {"feeds.example": ("127.0.0.1",)}), tmp_path / "into"
    )
    assert arrived is not None
    assert origin.requests[0].host == f"feeds.example:{origin.port}"


async def test_a_public_feed_is_not_sent_on_to_a_private_name_of_the_configuration() -> None:
    """What is fixed counts for the configured address: a publisher must not reach into the network by it."""
    hosts = {"nas.corp.example": ("127.0.0.1",), "mirror.example": ("8.8.8.8",)}
    public = client._Resolver(hosts, is_private(URL("https://feeds.example/"), hosts))
    with pytest.raises(FeedError, match=r"nas\.corp\.example leads to 127\.0\.0\.1"):
        await public.resolve("nas.corp.example", 443)
    assert [one["host"] for one in await public.resolve("Mirror.example.", 443)] == ["8.8.8.8"]
    own = client._Resolver(hosts, is_private(URL("https://nas.corp.example/"), hosts))
    assert [one["host"] for one in await own.resolve("nas.corp.example", 443)] == ["127.0.0.1"]


async def test_a_literal_hop_is_judged_too() -> None:
    with pytest.raises(FeedError, match="no public address"):
        refuse_special("its address", ("169.254.169.254",))
    assert is_literal(URL("http://169.254.169.254/"))


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://127.0.0.1/", True),
        ("http://[::1]/", True),
        ("http://nas.local/", True),
        ("http://nas/", True),
        ("https://feeds.example/", False),
        ("http://8.8.8.8/", False),
    ],
)
def test_an_address_is_private_by_its_spelling(url: str, private: bool) -> None:
    assert is_private(URL(url), {}) is private


def test_https_is_never_left_for_http() -> None:
    with pytest.raises(FeedError, match="from https to http"):
        next_hop(URL("https://feeds.example/a"), "http://feeds.example/a")


async def test_a_closed_port_is_said_in_words(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    with pytest.raises(FeedError, match=r"cannot fetch from 127\.0\.0\.1"):
        await download(Asking(url), tmp_path / "into")


async def test_a_silent_server_is_given_up(origin: Any, tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no answer in time"):
        await download(Asking(origin.url(), limits=Limits(seconds=0.0)), tmp_path / "into")


def test_a_file_is_taken_packed_or_not_and_a_missing_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.gz").write_bytes(gzip.compress(TEXT))
    assert read_file(tmp_path / "list.gz", tmp_path / "into").digest == DIGEST
    (tmp_path / "one").write_bytes(b"a")
    assert read_file(tmp_path / "one", tmp_path / "into").digest == hashlib.sha256(b"a").hexdigest()
    with pytest.raises(FeedError, match=r"missing\.txt: No such file"):
        read_file(tmp_path / "missing.txt", tmp_path / "into")
    (tmp_path / "bad.gz").write_bytes(gzip.compress(TEXT)[:-9])
    with pytest.raises(FeedError, match="in the middle"):
        read_file(tmp_path / "bad.gz", tmp_path / "into2")
    assert not (tmp_path / "into2").exists()
