from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indicators import hosts
from indicators.hosts import canonical_host, is_address, is_this_machine, parents, reverse_key, whatwg_host

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
TO_ASCII: list[dict[str, Any]] = [
    row for row in json.loads((VECTORS / "toascii.json").read_text()) if isinstance(row, dict)
]

OWN_ADDRESS = """
    127.0.0.1 127.1 0x7f.1 0X7F.1 0x7f000001 2130706433 0177.0.0.1 017700000001 127.0.0.1. 127.0.0.1..
    127.255.255.254 ::1 [::1] [::1%25lo] ::1%lo 0:0:0:0:0:0:0:1 ::ffff:127.0.0.1 [::ffff:7f00:1] 64:ff9b::127.0.0.1
    １２７.0.0.1 ①②⑦.⓪.⓪.① 127。0。0。1 %31%32%37.0.0.1 0 0x0 0.0.0.0 :: [::] ::ffff:0.0.0.0
    localhost LOCALHOST localhost. ｌocalhost app.localhost ip6-localhost localhost.localdomain
""".split()

CANONICAL = [
    ("example.com", "example.com"),
    ("EXAMPLE.Com.", "example.com"),
    ("..example...com..", "example.com"),
    ("ex%61mple%2ecom", "example.com"),
    ("ex\u00adample。com", "example.com"),
    ("bücher.example", "xn--bcher-kva.example"),
    ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
    ("faß.de", "xn--fa-hia.de"),
    ("_dmarc.example.com", "_dmarc.example.com"),
    ("*.example.com", "*.example.com"),
    ("xn--a.com", "xn--a.com"),
    ("1.2.3", "1.2.0.3"),
    ("012.034.01.055", "10.28.1.45"),
    ("4294967295", "255.255.255.255"),
    ("2001:DB8:0:0::1", "2001:db8::1"),
    ("[64:ff9b::1.2.3.4]", "1.2.3.4"),
    ("1.2.3.00x0", "1.2.3.00x0"),
    ("a" * 63 + ".com", "a" * 63 + ".com"),
]

REFUSED = [
    *("", ".", "...", " ", "a b", "a\tb", "a\nb", "a/b", "a?b", "a#b", "a@b", "a\\b", "a:80", "[a]", "[::1", "::1]"),
    *(
        "a<b",
        "a|b",
        "a^b",
        "a%00b",
        "a%2fb",
        "%",
        "256.1.1.1",
        "1.2.3.4.5",
        ".127.0.0.1",
        "4294967296",
        "foo.09",
        "::1::",
        "1::g",
    ),
    *("a" * 64 + ".com", ("a" * 60 + ".") * 4 + "a" * 20, "xn--ü", "\ud800.com", "\ufffd.com", "\u00ad"),
]


@pytest.mark.parametrize("text", OWN_ADDRESS)
def test_every_spelling_of_this_machine_is_recognised(text: str) -> None:
    assert is_this_machine(canonical_host(text))


@pytest.mark.parametrize("text", ["localhost.example", "mylocalhost", "128.0.0.1", "::2", "0.0.0.1", "10.0.0.1"])
def test_other_hosts_are_not_this_machine(text: str) -> None:
    assert not is_this_machine(canonical_host(text))


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_one_spelling_of_a_host(text: str, expected: str) -> None:
    assert canonical_host(text) == expected


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_host_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|longer than") as caught:
        canonical_host(text)
    assert len(str(caught.value)) < 200
    assert type(caught.value) is ValueError


@pytest.mark.parametrize("row", TO_ASCII, ids=lambda row: ascii(row["input"]))
def test_web_platform_names(row: dict[str, Any]) -> None:
    assert _or_none(whatwg_host, row["input"]) == row["output"]


@pytest.mark.parametrize("row", TO_ASCII, ids=lambda row: ascii(row["input"]))
def test_canonical_names_follow_the_web_platform_but_for_dots_and_length(row: dict[str, Any]) -> None:
    expected = row["output"]
    if expected and ".." in expected:  # Safe Browsing: a run of dots is one
        expected = expected.replace("..", ".")
    if expected and (len(expected) > 253 or max(map(len, expected.split("."))) > 63):  # DNS cannot carry it
        expected = None
    assert _or_none(canonical_host, row["input"]) == expected


def test_web_platform_names_are_all_there() -> None:
    assert len(TO_ASCII) == 87


def _or_none(function: Any, text: str) -> str | None:
    try:
        return function(text)
    except ValueError:
        return None


def test_parents_and_key_of_a_name_and_of_an_address() -> None:
    assert list(parents("www.evil.com")) == ["www.evil.com", "evil.com", "com"]
    assert list(parents("localhost")) == ["localhost"]
    assert list(parents("1.2.3.4")) == ["1.2.3.4"]
    assert list(parents("2001:db8::1")) == ["2001:db8::1"]
    assert reverse_key("www.evil.com") == "com.evil.www."
    assert reverse_key("1.2.3.4") == "1.2.3.4."
    assert reverse_key("2001:db8::1") == "2001:db8::1."


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("1.2.3.4", True),
        ("255.255.255.255", True),
        ("2001:db8::1", True),
        ("::", True),
        ("1.2.3.4.example", False),
        ("256.2.3.4", False),
        ("01.2.3.4", False),
        ("1.2.3", False),
        ("evil.com:80", False),
        ("x4", False),
        ("", False),
    ],
)
def test_address_or_name(host: str, expected: bool) -> None:
    assert is_address(host) is expected


PLAIN = st.text("abcxyz059-_.", max_size=70)
LOOSE = st.one_of(
    PLAIN,
    st.text(max_size=30),
    st.text("aAzZ0189xX%.-_eEfF:[]/@\\ ß。ｅ①\u00ad", max_size=30),
    st.lists(st.sampled_from(["xn--", "0x", "1", "08", "a", "B", "-", ".", "..", "é", "%2e", "127"]), max_size=12).map(
        "".join
    ),
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map(lambda address: str(int(address))),
    st.ip_addresses(v=4).map(lambda address: f"::ffff:{address}"),
)


@given(PLAIN | LOOSE)
@settings(max_examples=500)
def test_the_fast_path_answers_as_the_parser_does(text: str) -> None:
    """Invariant: for every text, the regex path and the parser give the same host or both refuse."""
    assert _or_none(canonical_host, text) == _or_none(hosts._parsed, text)


def test_no_letter_becomes_plain_ascii_by_lowering_alone() -> None:
    """Invariant: a letter outside ASCII whose lower case is ASCII means the same to the parser."""
    folded = [chr(code) for code in range(0x80, 0x110000) if chr(code).lower().isascii()]
    assert folded == ["\u212a"]
    assert [whatwg_host(letter) for letter in folded] == ["k"]


@given(LOOSE)
def test_canonical_hosts_are_fixed_points_without_capitals_or_outer_dots(text: str) -> None:
    """Invariant: a canonical host is its own canonical form, is ASCII, has no capital, no empty label, and fits DNS."""
    host = _or_none(canonical_host, text)
    if host is not None:
        assert canonical_host(host) == host
        assert host.isascii() and host == host.lower() and not re.search(r"[\s/?#@\[\]]", host)
        assert is_address(host) or (all(host.split(".")) and len(host) <= 253)


HOSTS = LOOSE.map(lambda text: _or_none(canonical_host, text) or "www.example.com")


@given(HOSTS)
def test_keys_of_parents_are_the_prefixes_of_the_key(host: str) -> None:
    """Invariant: the keys of a host and its parents are exactly the dot-ended prefixes of its key, longest first."""
    key = reverse_key(host)
    keys = [reverse_key(parent) for parent in parents(host)]
    if is_address(host):
        assert keys == [key] == [f"{host}."]
    else:
        assert keys == [key[: at + 1] for at in range(len(key) - 1, -1, -1) if key[at] == "."]
        assert key.rstrip(".").split(".")[::-1] == host.split(".")


@given(HOSTS, HOSTS)
def test_different_hosts_have_different_keys(one: str, other: str) -> None:
    """Invariant: a key names one host only, whether name or address."""
    assert (reverse_key(one) == reverse_key(other)) is (one == other)
