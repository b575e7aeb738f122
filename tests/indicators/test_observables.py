"""Reading one observable: its type guessed from its form, its value canonical, its mistakes said."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.observables import MAX_VALUE, read_observable, refang
from indicators.words import IndicatorType as Type

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("evil.example", Type.DOMAIN, "evil.example"),
        (" EVIL.Example. ", Type.DOMAIN, "evil.example"),
        ("*.evil.example", Type.DOMAIN, "evil.example"),
        (".evil.example", Type.DOMAIN, "evil.example"),
        ("bücher.example", Type.DOMAIN, "xn--bcher-kva.example"),
        ("co.uk", Type.DOMAIN, "co.uk"),
        ("zip", Type.DOMAIN, "zip"),
        ("evil[.]example", Type.DOMAIN, "evil.example"),
        ("evil(dot)example{.}test", Type.DOMAIN, "evil.example.test"),
        ("https://evil.example", Type.URL, "evil.example/"),
        ("evil.example/a/../b?c=d#e", Type.URL, "evil.example/b?c=d"),
        ("hxxps://evil[.]example/a", Type.URL, "evil.example/a"),
        ("HXXP[://]evil[.]example[/]a", Type.URL, "evil.example/a"),
        ("hxxp[:]//evil.example/a", Type.URL, "evil.example/a"),
        ("https://user:secret@evil.example:8443/a", Type.URL, "evil.example/a"),
        ("http://evil.com\\@good.com/", Type.URL, "evil.com/@good.com/"),
        ("http://[2001:db8::1]/a", Type.URL, "2001:db8::1/a"),
        ("192.0.2.1/login", Type.URL, "192.0.2.1/login"),
        ("192.0.2.1", Type.IP, "192.0.2.1"),
        ("192[.]0[.]2[.]1", Type.IP, "192.0.2.1"),
        ("0x7f.1", Type.IP, "127.0.0.1"),
        ("192.0.2.0/24", Type.IP, "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", Type.IP, "192.0.2.0/24"),
        ("192.0.2.1/32", Type.IP, "192.0.2.1"),
        ("2001:DB8:0::1", Type.IP, "2001:db8::1"),
        ("[2001:db8::1]", Type.IP, "2001:db8::1"),
        ("2001:db8::/32", Type.IP, "2001:db8::/32"),
        ("::ffff:192.0.2.1", Type.IP, "192.0.2.1"),
        (HEX.upper(), Type.SHA256, HEX),
        (HEX[:40], Type.SHA1, HEX[:40]),
        (HEX[:32], Type.MD5, HEX[:32]),
    ],
)
def test_guessed(text: str, kind: Type, value: str) -> None:
    one = read_observable(text)
    assert (one.type, one.value) == (kind, value)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("evil.example", Type.URL, "evil.example/"),
        (HEX[:40], Type.CERTIFICATE, HEX[:40]),
        (":".join(["AB"] * 20), Type.CERTIFICATE, "ab" * 20),
        (" ".join(["AB"] * 20), Type.CERTIFICATE, "ab" * 20),
        (HEX[:32], Type.DOMAIN, HEX[:32]),
    ],
)
def test_type_given(text: str, kind: Type, value: str) -> None:
    one = read_observable(text, kind)
    assert (one.type, one.value) == (kind, value)


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("", None, "got nothing"),
        ("  ", None, "got nothing"),
        ("a" * (MAX_VALUE + 1), None, "longer than"),
        ("evil example", None, "not a host name"),
        ("*", None, "not a host name"),
        ("ev*l.example", None, "only for its first label"),
        ("https://*.evil.example/a", None, "without `*` in its host"),
        ("evil.example:8080", None, "without a port"),
        ("gopher://evil.example/", None, "expected an http:// or https:// URL"),
        ("mailto:a@evil.example", None, "not"),
        ("10.0.0.1/8", None, "write 10.0.0.0/8"),
        ("10.0.0.0/33", None, "not a network"),
        ("https://evil.example/", Type.DOMAIN, "got a URL"),
        ("evil.example/a", Type.DOMAIN, "got a URL"),
        ("evil.example", Type.IP, "not an IP address"),
        ("evil.example", Type.SHA256, "expected a SHA256 hash, 64 hexadecimal digits"),
        (HEX[:40], Type.MD5, "expected a MD5 hash, 32 hexadecimal digits"),
        ("z" * 40, Type.SHA1, "40 hexadecimal digits"),
        (HEX, Type.CERTIFICATE, "SHA-1 thumbprint of a certificate, 40"),
    ],
)
def test_mistakes_are_said(text: str, kind: Type | None, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        read_observable(text, kind)


@given(st.text() | st.from_regex(r"(hxxps?://)?[a-z0-9*.\[\]-]{1,20}(:\d+)?(/[a-z?&=.]*)?", fullmatch=True))
def test_reading_a_value_again_changes_nothing(text: str) -> None:
    """Any text is read or refused with ValueError, and a canonical value of a type is read as itself."""
    try:
        one = read_observable(text)
    except ValueError:
        return
    assert read_observable(one.value, one.type) == one


@pytest.mark.parametrize("text", ["http://[2001:db8::1]/[.x]", "a[b].example", "example.com/hxxp"])
def test_brackets_that_belong_there_stay(text: str) -> None:
    assert refang(text) == text
