"""The onboarding page: every platform's steps, nothing from elsewhere, and a policy that allows nothing more."""

from __future__ import annotations

import re

import pytest

from addons import layout
from addons.onboarding import POLICY, Platform, page_of, platform_of
from tests.addons.test_pages import Page

AGENTS = {
    Platform.IOS: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Version/26.0",
    Platform.ANDROID: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36",
    Platform.MACOS: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
    Platform.WINDOWS: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
    Platform.LINUX: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
FILES = {
    Platform.IOS: "ca.mobileconfig",
    Platform.ANDROID: "ca.crt",
    Platform.MACOS: "ca.mobileconfig",
    Platform.WINDOWS: "ca.cer",
    Platform.LINUX: "ca.pem",
}


@pytest.mark.parametrize("platform", Platform)
def test_the_agent_only_says_which_steps_are_unfolded(platform: Platform) -> None:
    assert platform_of(AGENTS[platform]) is platform
    html = page_of(AGENTS[platform], "AB:CD").html
    folds = re.findall(r"<details( open)?>.*?</details>", html, re.S)
    assert (len(folds), folds.count(" open")) == (len(Platform), 1)
    unfolded = re.search(r"<details open>(.*?)</details>", html, re.S)
    assert unfolded and f'href="/{FILES[platform]}"' in unfolded[1]
    assert all(f'href="/{name}"' in html for name in FILES.values())


@pytest.mark.parametrize("agent", ["", "curl/8.5.0"])
def test_no_hint_means_the_steps_that_say_most(agent: str) -> None:
    assert platform_of(agent) is Platform.LINUX


def test_nothing_is_loaded_from_anywhere() -> None:
    page = page_of("", "AB:CD", "Anna's <phone>", base="/onboarding/")
    shown = Page(page.html)
    assert not {tag for tag, _ in shown.tags} & {"img", "link", "iframe", "object", "embed", "form"}
    assert all("src" not in attributes and "onclick" not in attributes for _, attributes in shown.tags)
    assert "Anna's <phone>" in shown.text and "AB:CD" in shown.text
    assert ("a", {"class": "button", "href": "/onboarding/ca.crt"}) in shown.tags


def test_only_our_own_style_and_script_run() -> None:
    assert page_of("", "").policy == POLICY
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert (
        rules["script-src"] == layout.source_of("onboarding.js") != layout.source_of("page.css") == rules["style-src"]
    )
    assert rules["connect-src"] == "http://*.check.seawall.internal https://*.check.seawall.internal"
    assert "unsafe" not in POLICY
    assert f"<script>{layout.own('onboarding.js')}</script>" in page_of("", "").html


def test_who_is_not_known_is_told_to_begin() -> None:
    assert "Put this device behind Seawall" in page_of("", "").html
    assert "The gateway knows it as" in page_of("", "", "phone").html
