"""Secrets of feeds: read where they should be, sent as the publisher asks, to it alone, and never shown."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from proxy.config.sections.feeds import FeedConfig, FeedKey
from proxy.feeds.client import Asking
from proxy.feeds.fetch import download
from proxy.feeds.inflate import AnswerError, FeedError
from proxy.feeds.secret import NO_SECRET, Secret, read_secret

VALUE = "s3cret/+&=%"
BASIC = b64encode(f"me:{VALUE}".encode()).decode()


def feed(**key: Any) -> FeedConfig:
    return FeedConfig(name="a", url="https://feed.example/", key=FeedKey(**key))


@pytest.mark.parametrize(
    ("secret", "path", "header"),
    [
        (Secret(VALUE, "header", "Auth-Key"), "/list?a=1", ("Auth-Key", VALUE)),
        (Secret(VALUE, "bearer"), "/list?a=1", ("Authorization", f"Bearer {VALUE}")),
        (
            Secret(VALUE, "basic", user="me"),
            "/list?a=1",
            ("Authorization", f"Basic {BASIC}"),
        ),
        (Secret(VALUE, "query", "auth-key"), "/list?a=1", ("auth-key", VALUE)),
        (Secret(VALUE, "url"), "/{key}/list?a=1", ("", "")),
    ],
)
async def test_it_is_sent_as_asked_and_an_echo_of_it_is_hidden(
    origin: Any, tmp_path: Path, secret: Secret, path: str, header: tuple[str, str]
) -> None:
    def echo(request: web.BaseRequest) -> web.Response:
        return web.Response(status=403, reason=f"no {VALUE} for {request.headers.get('Authorization')}")

    origin.answer = echo
    with pytest.raises(AnswerError) as caught:
        await download(Asking(origin.url(path), secret=secret), tmp_path / "into")
    (request,) = origin.requests
    sent = dict(request.headers) | dict(request.query)
    assert sent.get(header[0], "") == header[1]
    assert (request.path == f"/{VALUE}/list") is (secret.send == "url")
    assert "s3cret" not in str(caught.value)
    assert BASIC not in str(caught.value)
    assert "no *** for" in str(caught.value)
    assert VALUE not in repr(secret)


@pytest.mark.parametrize(("send", "name"), [("header", "Auth-Key"), ("bearer", ""), ("query", "k")])
async def test_it_does_not_follow_to_another_origin(origin: Any, tmp_path: Path, send: str, name: str) -> None:
    secret = Secret(VALUE, send, name)

    def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/list":
            return web.Response(status=302, headers={"Location": origin.url("/moved", host="localhost")})
        return web.Response(text="evil.example\n")

    origin.answer = answer
    assert await download(Asking(origin.url("/list"), {"localhost": ("127.0.0.1",)}, secret=secret), tmp_path / "into")
    first, second = origin.requests
    assert VALUE in str(dict(first.headers) | dict(first.query))
    assert VALUE not in str(dict(second.headers) | dict(second.query))


def test_it_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAWALL_TEST_KEY", f" {VALUE}\n")
    assert read_secret(feed(env="SEAWALL_TEST_KEY", name="Auth-Key")) == Secret(VALUE, "header", "Auth-Key", "")
    monkeypatch.delenv("SEAWALL_TEST_KEY")
    with pytest.raises(FeedError, match="set the environment variable SEAWALL_TEST_KEY"):
        read_secret(feed(env="SEAWALL_TEST_KEY"))
    assert read_secret(FeedConfig(name="a", url="https://feed.example/")) is NO_SECRET


def test_it_is_read_from_a_file_that_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(VALUE + "\n")
    path.chmod(0o600)
    assert read_secret(feed(file=path)).value == VALUE
    path.chmod(0o640)
    with pytest.raises(FeedError, match=rf"others can read the secret in {path}: run chmod 600 {path}"):
        read_secret(feed(file=path))
    with pytest.raises(FeedError, match="No such file"):
        read_secret(feed(file=tmp_path / "none"))


@pytest.mark.parametrize(("content", "why"), [("", "is empty"), ("a\x00b", "no secret has"), ("x" * 5000, "too large")])
def test_what_is_no_secret_is_not_sent(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(FeedError, match=why):
        read_secret(feed(file=path))


def test_no_secret_hides_nothing() -> None:
    assert NO_SECRET.hide("a text") == "a text"
    assert NO_SECRET.headers() == {}
    assert str(NO_SECRET.on("https://feed.example/?a=1")) == "https://feed.example/?a=1"
