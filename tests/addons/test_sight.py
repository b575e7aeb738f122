from __future__ import annotations

import pytest
from mitmproxy import http

from addons import sight


@pytest.mark.parametrize(
    ("text", "host"), [("Evil.TEST.", "evil.test"), ("", ""), ("a b", ""), ("0x7f.1", "127.0.0.1")]
)
def test_a_host_is_canonical_or_nothing(text: str, host: str) -> None:
    assert sight.host_of(text) == host


@pytest.mark.parametrize(
    ("hosts", "names"),
    [
        (("a.test", "b.test", "a.test"), ("a.test", "b.test")),
        (("192.0.2.1", "a.test"), ("a.test",)),
        (("192.0.2.1", "", "192.0.2.2"), ("192.0.2.1",)),
        (("", ""), ()),
    ],
)
def test_addresses_count_as_names_only_where_there_is_no_name(hosts: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert sight.names_of(*hosts) == names


@pytest.mark.parametrize(
    ("url", "host", "found"),
    [
        ("http://a.test/x?y", "b.test", "http://b.test/x?y"),
        ("https://a.test:8443/", "a.test", "https://a.test:8443/"),
        ("https://a.test:443/", "2001:db8::1", "https://[2001:db8::1]/"),
    ],
)
def test_a_url_is_written_as_a_browser_does(url: str, host: str, found: str) -> None:
    assert sight.url_on(http.Request.make("GET", url), host) == found


def test_a_path_that_is_none_becomes_the_root() -> None:
    request = http.Request.make("OPTIONS", "http://a.test/")
    request.path = "*"
    assert sight.url_on(request, "a.test") == "http://a.test/"


def test_a_request_that_names_no_host_has_none() -> None:
    request = http.Request.make("GET", "http://a.test/")
    request.authority = ""
    assert sight.said_host(request) == ""


@pytest.mark.parametrize("said", ["A.test:8443", "[2001:DB8::1]:1", "a.test" + " " * 400])
def test_a_host_is_read_alike_each_time_and_what_is_too_long_is_not_remembered(said: str) -> None:
    request = http.Request.make("GET", "http://a.test/")
    request.authority = said
    before = sight._host_in.cache_info().currsize
    found = {"A.test:8443": "a.test", "[2001:DB8::1]:1": "2001:db8::1"}.get(said)
    for _ in range(2):
        if found is None:
            with pytest.raises(ValueError, match=r"."):
                sight.said_host(request)
        else:
            assert sight.said_host(request) == found
    assert sight._host_in.cache_info().currsize - before == (found is not None)
