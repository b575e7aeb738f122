from __future__ import annotations

import base64
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons import waivers

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = b"k" * 32
WHAT = {"device": "d1", "host": "warned.test", "incident": "i1", "indicator": "warned.test", "back": "/a?b=c"}


def minted(**changed: str) -> str:
    return waivers.mint(KEY, NOW, **{**WHAT, **changed})


def checked(token: str, now: datetime = NOW, key: bytes = KEY, device: str = "d1", host: str = "warned.test"):
    return waivers.check(key, now, token, device=device, host=host)


def test_a_fresh_token_says_what_was_agreed_to() -> None:
    consent = checked(minted())
    assert {name: getattr(consent, name) for name in WHAT} == WHAT
    assert len(consent.nonce) >= 20


def test_every_token_has_its_own_nonce() -> None:
    assert len({checked(minted()).nonce for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        ({"now": NOW + waivers.LIFETIME}, "five minutes"),
        ({"key": b"x" * 32}, "not made by this gateway"),
        ({"device": "d2"}, "another device"),
        ({"host": "other.test"}, "another host"),
    ],
)
def test_a_token_is_bound_to_time_key_device_and_host(given_, reason) -> None:
    with pytest.raises(waivers.TokenError, match=reason):
        checked(minted(), **given_)


def test_it_is_good_until_the_last_second() -> None:
    assert checked(minted(), NOW + waivers.LIFETIME - timedelta(seconds=1)).incident == "i1"


@pytest.mark.parametrize("token", ["", ".", "abc", "a.b.c", "!!!.???", "é.é", "A" * 9000 + ".A", ".." * 5])
def test_rubbish_is_refused_with_a_reason(token) -> None:
    with pytest.raises(waivers.TokenError):
        checked(token)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(at: int, change: int) -> None:
    """Invariant: a token of which any byte of the body or the seal was changed is refused."""
    parts = [bytearray(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in minted().split(".")]
    part = parts[at % 2]
    part[at // 2 % len(part)] ^= change
    forged = ".".join(base64.urlsafe_b64encode(bytes(part)).decode().rstrip("=") for part in parts)
    with pytest.raises(waivers.TokenError):
        checked(forged)


@pytest.mark.parametrize(
    ("back", "kept"),
    [
        ("/a/b?c=d", "/a/b?c=d"),
        ("//evil.test/", "/evil.test/"),
        ("/\\evil.test", "/evil.test"),
        ("https://evil.test", "/https://evil.test"),
        ("", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("/ä", "/"),
    ],
)
def test_the_way_back_stays_on_the_host(back, kept) -> None:
    assert checked(minted(back=back)).back == kept


@given(st.text(string.printable))
def test_the_way_back_is_always_a_local_path(back: str) -> None:
    """Invariant: the path starts with exactly one slash and holds nothing that could end a header."""
    kept = checked(minted(back=back)).back
    assert kept[0] == "/"
    assert kept[1:2] not in ("/", "\\")
    assert kept.isprintable()


NAVIGATION = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        (NAVIGATION, True),
        (NAVIGATION | {"origin": "https://warned.test"}, True),
        (NAVIGATION | {"sec-fetch-site": "cross-site"}, False),
        (NAVIGATION | {"sec-fetch-site": "none"}, False),
        (NAVIGATION | {"sec-fetch-mode": "no-cors"}, False),
        (NAVIGATION | {"sec-fetch-dest": "iframe"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "https://warned.test"}, False),
        ({"origin": "https://warned.test"}, True),
        ({"origin": "https://warned.test:443"}, True),
        ({"origin": "http://warned.test"}, False),
        ({"origin": "https://evil.test"}, False),
        ({"origin": "https://warned.test.evil.test"}, False),
        ({"origin": "null", "referer": "https://warned.test/"}, False),
        ({"referer": "https://warned.test/a?b"}, True),
        ({"referer": "https://evil.test/https://warned.test"}, False),
        ({"referer": "https://warned.test:99999999/"}, False),
        ({}, False),
    ],
)
def test_only_a_navigation_from_the_page_itself_counts(headers, taken) -> None:
    assert waivers.is_top_level(headers, "https://warned.test") is taken
