"""Feeds that do not fit together, and secrets in the open: named where they stand, and never repeated."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.config.errors import dotted
from proxy.config.feed_findings import feed_findings
from proxy.config.model import Config

URL = "https://feed.example/list"
ENV = {"env": "SOME_NAME"}


def found(**fields: Any) -> list[tuple[str, str]]:
    config = Config.model_validate({"feeds": [{"name": "a", "url": URL} | fields]})
    return [(dotted(path), text) for path, text in feed_findings(config.feeds)]


@pytest.mark.parametrize(
    ("fields", "key", "text"),
    [
        ({"url": URL + "?auth-key=hunter2"}, "url", "key: {env: SOME_NAME, send: query, name: auth-key}"),
        ({"url": URL + "?a=1&API_KEY=hunter2"}, "url", "take `API_KEY=…` out"),
        ({"url": URL + "?token=hunter2"}, "url", "expected no secret in the address"),
        ({"url": "https://me:hunter2@feed.example/"}, "url", "send: basic, user: …"),
        ({"url": "https://hunter2@feed.example/"}, "url", "no user name or password in the address"),
        ({"url": URL + "/{key}/x"}, "url", "expected a `key` to put in the place of {key}"),
        ({"key": {"send": "bearer"}}, "key", "exactly one of `env` and `file`, got neither"),
        ({"key": {**ENV, "file": "x", "send": "bearer"}}, "key", "exactly one of `env` and `file`, got both"),
        ({"key": ENV}, "key.name", "the name of the header"),
        ({"key": {**ENV, "send": "query"}}, "key.name", "the name of the query"),
        ({"key": {**ENV, "send": "url"}}, "key.send", "together with {key} in `url`"),
        ({"key": {**ENV, "send": "bearer"}, "url": "http://feed.example/"}, "key", "expected an https address"),
        ({"history": "0d"}, "history", "more than zero"),
        (
            {"url": None, "path": "x", "protocol": "taxii"},
            "protocol",
            "expected a `url`: taxii is a way to ask",
        ),
    ],
)
def test_what_does_not_fit_is_named_without_its_secret(fields: dict[str, Any], key: str, text: str) -> None:
    findings = found(**fields)
    assert [where for where, _ in findings] == [f"feeds[0].{key}"]
    assert text in findings[0][1]
    assert "hunter2" not in str(findings)


@pytest.mark.parametrize(
    "fields",
    [
        {"url": URL + "?keyword=x&monkey=y&page=2"},
        {"url": URL + "?auth-key={key}", "key": {**ENV, "send": "url"}},
        {"url": "http://feed.example/", "key": {**ENV, "send": "bearer"}, "insecure_ok": True},
        {"key": {"file": "x", "send": "basic", "user": "me"}},
        {"key": {**ENV, "name": "Auth-Key"}},
        {"protocol": "taxii", "history": "30d"},
        {"url": "https://[::1"},
    ],
)
def test_what_fits_is_let_be(fields: dict[str, Any]) -> None:
    assert found(**fields) == []


@pytest.mark.parametrize("key", [{"env": "NOT A NAME"}, {"env": "$(id)"}, {"secret": "hunter2"}, "hunter2"])
def test_a_literal_key_is_no_key(key: Any) -> None:
    with pytest.raises(ValueError, match="key"):
        found(key=key)
