"""What agents tell, in one table of real forms; frozen and reduced ones are known."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.vulnerabilities.claims import (
    Claim,
    ClaimSource,
    Confidence,
    claim_of,
    claim_of_hints,
    claim_of_sign,
)
from indicators.device_signs import Sign, SignKind

APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) " + APPLE
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
S, C = ClaimSource, Confidence

AGENTS = {
    "Safari before the freeze": (
        IPHONE.format("18_6_2") + " Version/18.6 Mobile/15E148 Safari/604.1",
        Claim("iOS", "18.6.2", 3, S.BROWSER, C.MEDIUM),
    ),
    "Safari 26 names iOS 18": (
        IPHONE.format("18_6") + " Version/26.0 Mobile/15E148 Safari/604.1",
        Claim("iOS", "26.0", 2, S.BROWSER, C.MEDIUM),
    ),
    "Safari 26.1 on an iPad": (
        "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) " + APPLE + " Version/26.1 Mobile/15E148 Safari/604.1",
        Claim("iOS", "26.1", 2, S.BROWSER, C.MEDIUM),
    ),
    "Chrome on iOS": (
        IPHONE.format("26_5") + " CriOS/140.0.0.0 Mobile/15E148 Safari/604.1",
        Claim("iOS", "26.5", 3, S.APP, C.MEDIUM),
    ),
    "a web view": (IPHONE.format("17_5_1") + " Mobile/15E148", Claim("iOS", "17.5.1", 3, S.APP, C.MEDIUM)),
    "the store": (
        "itunesstored/1.0 iOS/17.5 model/iPhone14,2 hwp/t8110 build/21F79 (6; dt:245) AMS/1",
        Claim("iOS", "17.5", 3, S.SYSTEM_AGENT, C.HIGH, "iPhone14,2"),
    ),
    "a build that denies the release": ("itunesstored/1.0 iOS/17.5 model/iPhone14,2 build/20F66 (6; dt:245)", None),
    "a release told by its first number": (
        "itunesstored/1.0 iOS/17 model/iPhone14,2 build/21F79",
        Claim("iOS", "17", 3, S.SYSTEM_AGENT, C.HIGH, "iPhone14,2"),
    ),
    "the push daemon's bag": (
        "server-bag [iPhone OS,26.1,23B85,iPhone17,1]",
        Claim("iOS", "26.1", 3, S.SYSTEM_AGENT, C.HIGH, "iPhone17,1"),
    ),
    "iCloud's services": (
        "iCloudServices/1.0 iPhone14,2/17.5.1 (21F90)",
        Claim("iOS", "17.5.1", 3, S.SYSTEM_AGENT, C.HIGH, "iPhone14,2"),
    ),
    "the media player, by its build": (
        "AppleCoreMedia/1.0.0.22G86 (iPhone; U; CPU OS 18_6 like Mac OS X; en_us)",
        Claim("iOS", "18.6", 2, S.SYSTEM_AGENT, C.HIGH),
    ),
    "the media player of a Mac": ("AppleCoreMedia/1.0.0.24G84 (Macintosh; U; Intel Mac OS X 15_6; en_us)", None),
    "a build before those we know": (
        "AppleCoreMedia/1.0.0.15G77 (iPhone; U; CPU OS 11_4 like Mac OS X; en_us)",
        Claim("iOS", "11.4", 3, S.APP, C.MEDIUM),
    ),
    "a library that Macs have too": ("SomeApp/12 CFNetwork/1568.100.1 Darwin/24.0.0", None),
    "Chrome's reduced agent": (
        f"Mozilla/5.0 (Linux; Android 10; K) {CHROME}",
        Claim("Android", "", 0, S.BROWSER, C.LOW),
    ),
    "an older Chrome": (
        f"Mozilla/5.0 (Linux; Android 12; SM-S908B) {CHROME}",
        Claim("Android", "12", 2, S.BROWSER, C.MEDIUM, "SM-S908B"),
    ),
    "a web view with its build": (
        f"Mozilla/5.0 (Linux; Android 13; SM-S908B Build/TP1A.220624.014; wv) {CHROME}",
        Claim("Android", "13", 2, S.APP, C.MEDIUM, "SM-S908B", date(2022, 6, 24)),
    ),
    "the runtime": (
        "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A.240205.004)",
        Claim("Android", "14", 2, S.SYSTEM_AGENT, C.HIGH, "Pixel 8", date(2024, 2, 5)),
    ),
    "a build of no day": (
        "Dalvik/2.1.0 (Linux; U; Android 8.1.0; Thing Build/OPM1.999999.019)",
        Claim("Android", "8.1.0", 2, S.SYSTEM_AGENT, C.HIGH, "Thing"),
    ),
    "Firefox": (
        "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
        Claim("Android", "15", 2, S.BROWSER, C.MEDIUM),
    ),
    "Firefox, which says 10 on older releases": (
        "Mozilla/5.0 (Android 10; Tablet; rv:140.0) Gecko/140.0 Firefox/140.0",
        Claim("Android", "", 0, S.BROWSER, C.LOW),
    ),
    "a Mac": ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/26.0 Safari/605.1.15", None),
    "Windows": ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0", None),
    "curl": ("curl/8.5.0", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("agent", "claim"), AGENTS.values(), ids=AGENTS)
def test_the_table(agent: str, claim: Claim | None) -> None:
    assert claim_of(agent) == claim


@pytest.mark.parametrize(
    ("platform", "version", "model", "claim"),
    [
        ('"Android"', '"14.0.0"', '"Pixel 8"', Claim("Android", "14.0.0", 1, S.CLIENT_HINT, C.MEDIUM, "Pixel 8")),
        ('"iOS"', '"18.7.2"', "", Claim("iOS", "18.7.2", 3, S.CLIENT_HINT, C.MEDIUM)),
        ('"Android"', '""', '""', Claim("Android", "", 1, S.CLIENT_HINT, C.MEDIUM)),
        ('"Linux"', '"6.1"', "", None),
        ("", "", "", None),
    ],
    ids=["Android", "iOS", "no version", "Linux", "nothing"],
)
def test_client_hints(platform: str, version: str, model: str, claim: Claim | None) -> None:
    assert claim_of_hints(platform, version, model) == claim


@given(st.text(max_size=300))
def test_any_text_is_read_or_left(text: str) -> None:
    """No agent raises, and what is claimed stays short."""
    for agent in (text, f"Android 14; {text} Build/UQ1A.240205.004", f"iOS/{text}"):
        claim = claim_of(agent)
        assert claim is None or len(claim.version + claim.model) < 100


@pytest.mark.parametrize(
    ("sign", "claim"),
    [
        (
            Sign(SignKind.CLIENT_HINT, "Android|15.0.0|Pixel 9"),
            Claim("Android", "15.0.0", 1, S.CLIENT_HINT, C.MEDIUM, "Pixel 9"),
        ),
        (Sign(SignKind.CLIENT_HINT, "Windows|15.0.0|"), None),
        (Sign(SignKind.CLIENT_HINT, "Android"), None),
        (Sign(SignKind.CAPTIVE_CHECK, "Android"), Claim("Android", "", 0, S.CAPTIVE_CHECK, C.LOW)),
        (Sign(SignKind.CAPTIVE_CHECK, "Apple"), None),
        (Sign(SignKind.JAILBREAK_NAME, "Sileo"), None),
    ],
)  # fmt: skip
def test_what_gateways_tell_is_a_claim_as_far_as_it_goes(sign: Sign, claim: Claim | None) -> None:
    assert claim_of_sign(sign) == claim
