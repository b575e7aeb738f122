from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http

from addons import notice, pages
from indicators.observation import Observation
from indicators.words import Action, Category, Stage
from tests.support.sights import CUSTOM, PHONE, indicator, seen, verdict

EVIL = indicator("evil.test")


class Page(HTMLParser):
    """Collect what a browser would make of a page: elements, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def request(accept: str = "text/html") -> http.Request:
    return http.Request.make("GET", "https://evil.test/login", headers={"Accept": accept})


def page(what: notice.Notice) -> Page:
    return Page(pages.respond(what, request()).text or "")


def said(**more: object) -> notice.Notice:
    return replace(notice.of_verdict(seen(), verdict(EVIL), "INC-1"), **more)  # type: ignore[arg-type]


def test_a_block_page_says_what_why_since_when_and_how_to_ask() -> None:
    since = datetime(2026, 3, 1, tzinfo=UTC)
    shown = page(notice.of_verdict(seen(), verdict(replace(EVIL, since=since)), "INC-1")).text
    for part in (
        "This site is blocked evil.test",
        "Phishing",
        "https://evil.test/login",
        "the feed test-feed",
        "1 March 2026",
        "INC-1",
        "ask whoever runs this gateway",
        "change it now",
    ):
        assert part in shown


def test_a_custom_indicator_speaks_in_its_own_words() -> None:
    rule = indicator(
        "evil.test",
        origin=CUSTOM,
        category=Category.CUSTOM,
        title="No games at work",
        description="Line one\nline two",
        recommended_actions="Ask Ada.",
        educate_url="https://help.test/why?x=1&y=2",
    )
    shown = page(notice.of_verdict(seen(), verdict(rule), "INC-1"))
    for part in ("No games at work", "Line one line two", "Ask Ada.", "own rules", "help.test"):
        assert part in shown.text
    assert ("a", {"href": "https://help.test/why?x=1&y=2", "rel": "noopener noreferrer"}) in shown.tags
    assert "test-feed" not in shown.text


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//evil.test", "https://[", "mailto:a@b"])
def test_a_help_link_that_is_no_web_address_is_left_out(link) -> None:
    shown = page(notice.of_verdict(seen(), verdict(replace(EVIL, educate_url=link)), "INC-1"))
    assert [tag for tag, _ in shown.tags if tag == "a"] == []


@pytest.mark.parametrize(
    ("what", "seen_", "heading", "label"),
    [
        (verdict(EVIL), seen(), "This site is blocked", "Phishing"),
        (verdict(EVIL, Action.WARN), seen(), "This site may be unsafe", "Phishing"),
        (verdict(EVIL), seen(stage=Stage.DOWNLOAD), "This file is blocked", "Phishing"),
        (verdict(None, Action.BLOCK, failed=True), seen(), "Blocked as a precaution", "Could not be judged"),
        (
            verdict(replace(EVIL, category=Category.CUSTOM), Action.WARN),
            seen(),
            "This site may be unsafe",
            "A rule of your organisation",
        ),
        (
            verdict(None, Action.BLOCK, reason="it is a port of the gateway itself"),
            seen(),
            "This site is blocked",
            "Not reachable through the gateway",
        ),
    ],
)
def test_heading_and_label_follow_the_verdict(what, seen_, heading, label) -> None:
    shown = notice.of_verdict(seen_, what, "INC-1")
    assert (shown.heading, shown.label) == (heading, label)
    assert heading in page(shown).text


def test_every_category_is_explained() -> None:
    texts = {notice.of_verdict(seen(), verdict(replace(EVIL, category=each)), "i").explanation for each in Category}
    assert len(texts) == len(Category)


def test_only_a_warn_page_has_a_form() -> None:
    assert "form" not in dict(page(said()).tags)
    warn = page(said(token="tok-1", form="/.seawall/continue", waived_for="24 hours"))
    assert ("form", {"method": "post", "action": "/.seawall/continue"}) in warn.tags
    assert ("input", {"type": "hidden", "name": "token", "value": "tok-1"}) in warn.tags
    assert "24 hours" in warn.text


def test_a_page_is_readable_by_everyone_and_loads_nothing() -> None:
    shown = page(said(token="t", form="/f", waived_for="1 hour"))
    names = [tag for tag, _ in shown.tags]
    assert ("html", {"lang": "en", "dir": "ltr"}) in shown.tags
    assert {"main", "h1", "title"} <= set(names)
    assert names.count("h1") == 1
    assert any(found.get("name") == "viewport" for _, found in shown.tags)
    assert not {"script", "link", "img", "iframe", "object"} & set(names)
    assert not [found for _, found in shown.tags if "src" in found or any(name.startswith("on") for name in found)]
    svg = next(found for tag, found in shown.tags if tag == "svg")
    assert svg["aria-hidden"] == "true"


def test_the_answer_is_a_403_that_nobody_keeps_or_frames() -> None:
    answer = pages.respond(said(), request())
    assert answer.status_code == 403
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["referrer-policy"] == "same-origin"


def test_programs_get_json() -> None:
    answer = pages.respond(said(), request("application/json"))
    assert answer.headers["content-type"] == "application/json"
    body = json.loads(answer.text or "")
    assert body["category"] == "phishing"
    assert (body["action"], body["incident"], body["indicator"], body["source"], body["url"]) == (
        "block",
        "INC-1",
        "evil.test",
        "test-feed",
        "https://evil.test/login",
    )


@pytest.mark.parametrize(
    ("accept", "json_"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("text/html,application/json;q=0.9", False),
        ("text/html;q=0.5, application/json", True),
        ("application/json;q=0", False),
        ("application/json;q=x", False),
        ("APPLICATION/JSON", True),
    ],
)
def test_what_the_client_prefers_decides(accept, json_) -> None:
    assert pages.prefers_json(accept) is json_


HOSTILE = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<!--",
    "]]><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;script&gt;",
    "<plaintext>",
    "\x00<b\x00>",
    "javascript:alert(1)",
    "%3Cscript%3E",
    "<\u200bscript>\u202e",
    "＜script＞",
    "\ud800<",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_string_becomes_markup_anywhere(text) -> None:
    ordinary = page(
        said(token="t", form="/f", waived_for="x", title="x", description="x", recommended_actions="x")
    ).tags
    rule = replace(EVIL, value=text, title=text, description=text, recommended_actions=text)
    seen_ = Observation(Stage.HTTP, PHONE, hosts=(text,), url=text, user_agent=text)
    hostile = replace(notice.of_verdict(seen_, verdict(rule), text), token=text, form="/f", waived_for=text)
    tags = page(hostile).tags
    assert hostile.educate_url == ""
    assert {tag for tag, _ in tags} <= {tag for tag, _ in ordinary}
    assert {name for _, found in tags for name in found} <= {name for _, found in ordinary for name in found}
    assert "49" not in page(hostile).text
    for answer in (pages.short(hostile), pages.refusal(400, text, text, text)):
        assert answer.status_code in (400, 403)
    assert {tag for tag, _ in Page(pages.refusal(400, text, text, text).text or "").tags} <= {
        tag for tag, _ in ordinary
    }
    assert json.loads(pages.as_json(hostile))["incident"] == text


@given(st.text(), st.text())
def test_any_text_stays_text(host: str, title: str) -> None:
    """Invariant: whatever a host and a title hold, the page has the same elements as with harmless ones."""
    wanted = [tag for tag, _ in page(notice.of_verdict(seen(), verdict(replace(EVIL, title="x")), "i")).tags]
    seen_ = Observation(Stage.HTTP, PHONE, hosts=("x" + host,), url="https://evil.test/login")
    shown = page(notice.of_verdict(seen_, verdict(replace(EVIL, title="x" + title)), "i"))
    assert sorted(tag for tag, _ in shown.tags if tag not in ("dt", "dd", "div", "bdi")) == sorted(
        tag for tag in wanted if tag not in ("dt", "dd", "div", "bdi")
    )


def test_direction_and_control_characters_are_shown_as_what_they_are() -> None:
    assert notice.plain("a\u202eb\x1bc\nd") == "a\ufffdb\ufffdc\nd"


def test_a_giant_url_is_cut_in_its_middle() -> None:
    shown = notice.of_verdict(seen("https://evil.test/" + "a" * 5000 + "/end"), verdict(EVIL), "i").url
    assert len(shown) < 320
    assert shown.startswith("https://evil.test/a")
    assert shown.endswith("/end")


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(days=7), "7 days"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=45), "45 seconds"),
    ],
)
def test_a_duration_is_said_as_people_do(span, words) -> None:
    assert notice.duration(span) == words


def test_a_plain_403_to_connect_names_the_incident_in_one_line_each() -> None:
    answer = pages.short(said(host="evil.test\nX-Injected: 1"))
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/plain; charset=utf-8")
    assert (answer.text or "").splitlines() == [
        "Blocked by Seawall: evil.test X-Injected: 1",
        "Category: Phishing",
        "Incident: INC-1",
    ]
