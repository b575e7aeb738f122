"""Fields are found as mitmproxy's own way finds them, whatever their names, cases and bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.coretypes import multidict
from mitmproxy.http import Headers

from addons import header_fields

header_fields.install()

NAMES = st.sampled_from((b"Host", b"host", b"HOST", b"x-a", b"X-\xe4", b"x-\xff", b""))
FIELDS = st.lists(st.tuples(NAMES, st.binary(max_size=6)), max_size=6).map(tuple)
WANTED = st.one_of(NAMES, NAMES.map(lambda name: name.decode("utf-8", "surrogateescape")), st.text(max_size=3))


def own_way(headers: Headers, name: str | bytes) -> list[str]:
    """Return what mitmproxy's multi-dictionary says, to which its `Headers` add the conversion of bytes."""
    wanted = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    found = multidict._MultiDict.get_all(headers, wanted)
    return [value.decode("utf-8", "surrogateescape") for value in found]


@given(FIELDS, WANTED)
def test_all_four_lookups_agree_with_the_original(fields: tuple[tuple[bytes, bytes], ...], wanted: str | bytes) -> None:
    """Each lookup says what mitmproxy's own says of the same fields."""
    headers = Headers(fields)
    try:
        expected = own_way(headers, wanted)
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        with pytest.raises(UnicodeEncodeError):
            headers.get_all(wanted)
        return
    assert headers.get_all(wanted) == expected
    assert (wanted in headers) is bool(expected)
    assert headers.get(wanted) == (", ".join(expected) if expected else None)
    assert headers.get(wanted, "none") == (", ".join(expected) if expected else "none")


def test_what_is_missing_is_a_key_error_that_names_it() -> None:
    with pytest.raises(KeyError, match="x-missing"):
        Headers([(b"x", b"1")])["x-missing"]
    assert Headers([(b"X", b"1"), (b"x", b"2")])["x"] == "1, 2"


def test_what_is_changed_is_found_as_it_then_is() -> None:
    headers = Headers([(b"X", b"1")])
    headers["x"] = "2"
    del headers["X"]
    assert "x" not in headers
    headers.add("x", "3")
    assert headers.pop("X", None) == "3"
    assert headers.pop("X", "gone") == "gone"
