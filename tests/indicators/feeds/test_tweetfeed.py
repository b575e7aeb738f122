"""TweetFeed's CSV: each kind, and tags as categories."""

from __future__ import annotations

import pytest

from indicators.feeds.entry import Entry, Why
from indicators.feeds.formats import FORMATS, recognise
from indicators.words import Category
from tests.support.parsing import one

MD5 = "0cc175b9c0f1b6a831c399e269772661"


def row(kind: str, value: str, tags: str = "#phishing") -> str:
    return f"2021-08-09 00:00:58,someone,{kind},{value},{tags},https://social.example/1"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (row("url", "https://evil.example/a"), ("url", "evil.example/a")),
        (row("domain", "EVIL.example."), ("domain", "evil.example")),
        (row("ip", "8.8.1.1"), ("ip", "8.8.1.1")),
        (row("md5", MD5), ("md5", MD5)),
        (row("sha256", MD5), (Why.NOT_A_HASH.value, MD5)),
        (row("url", "https://evil.example/a…"), (Why.CUT_SHORT.value, "https://evil.example/a…")),
        (row("email", "a@evil.example")[:40], (Why.MALFORMED.value, row("email", "a@evil.example")[:40])),
        (row("email", "x"), (Why.UNSUPPORTED.value, row("email", "x"))),
        ("date,user,type,value,tags,tweet", (Why.COMMENT.value, "date,user,type,value,tags,tweet")),
    ],
)
def test_a_row(text: str, found: tuple[str, str]) -> None:
    assert one("tweetfeed", text) == found


@pytest.mark.parametrize(("tags", "category"), [("#x #phishing", Category.PHISHING), ("", None)])
def test_tags(tags: str, category: Category | None) -> None:
    text = row("domain", "evil.example", tags)
    found = next(iter(FORMATS["tweetfeed"].parse([text])))
    assert isinstance(found, Entry)
    assert found.category is category
    assert recognise([text]) == "tweetfeed"
