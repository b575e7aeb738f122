"""Each kind of pydantic error as one plain sentence at the path where the file has it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from proxy.config.errors import dotted
from proxy.config.expectation import expected, mistakes, schema_at
from proxy.config.model import Config


def found(body: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(body)
    return [(dotted(path), message) for path, message in mistakes(caught.value)]


ADDRESS = "an IP address such as 127.0.0.1"


@pytest.mark.parametrize(
    ("body", "key", "message"),
    [
        ({"prxy": {}}, "prxy", "unknown key; did you mean `proxy`?"),
        ({"never-inspect": []}, "never-inspect", "unknown key; did you mean `never_inspect`?"),
        ({"policy": {"zzz": 1}}, "policy.zzz",
         "unknown key; expected one of mode, on_error, convert_warn_to_block, warn_without_page, large_download, "
         "waiver, pushed_allows_override, pinning, pinned_for"),
        ({"feeds": [{"url": "http://x"}]}, "feeds[0].name",
         "is missing; expected a short name of a-z, 0-9, `.`, `-` and `_`"),
        ({"proxy": {"port": "x"}}, "proxy.port", "expected a whole number from 0 to 65535, got 'x'"),
        ({"proxy": {"port": 65536}}, "proxy.port", "expected a whole number from 0 to 65535, got 65536"),
        ({"proxy": {"port": -1}}, "proxy.port", "expected a whole number from 0 to 65535, got -1"),
        ({"proxy": {"port": 1.5}}, "proxy.port", "expected a whole number from 0 to 65535, got 1.5"),
        ({"proxy": {"port": True}}, "proxy.port", "expected a whole number from 0 to 65535, got true"),
        ({"proxy": {"transparent_port": []}}, "proxy.transparent_port",
         "expected a whole number from 0 to 65535, got a list"),
        ({"proxy": 8080}, "proxy", "expected keys and values (`key: value`), got 8080"),
        ({"proxy": {"host": "here"}}, "proxy.host", f"expected {ADDRESS}, got 'here'"),
        ({"proxy": {"host": 0}}, "proxy.host", f"expected {ADDRESS}, got 0"),
        ({"dns": {"hosts": {"a.b": "x"}}}, "dns.hosts.a.b", f"expected {ADDRESS} or a list (`- …`), got 'x'"),
        ({"dns": {"hosts": {"a.b": ["::1", "x"]}}}, "dns.hosts.a.b",
         f"expected {ADDRESS} or a list (`- …`), got 'x'"),
        ({"dns": {"hosts": []}}, "dns.hosts", "expected keys and values (`key: value`), got a list"),
        ({"dns": {"upstreams": "system"}}, "dns.upstreams", "expected a list (`- …`), got 'system'"),
        ({"dns": {"allow_clients": ["x"]}}, "dns.allow_clients[0]", "expected a network such as 10.0.0.0/8, got 'x'"),
        ({"dns": {"blocked_answer": "no"}}, "dns.blocked_answer",
         "expected one of zero, nxdomain, refused, page, got 'no'"),
        ({"policy": {"mode": {}}}, "policy.mode", "expected one of enforce, audit, got keys and values"),
        ({"policy": {"waiver": "1"}}, "policy.waiver", "expected a duration such as 30s, 5m, 1h or 7d, got '1'"),
        ({"test_feed": "maybe"}, "test_feed", "expected true or false, got 'maybe'"),
        ({"state_dir": 5}, "state_dir", "expected a path, got 5"),
        ({"inspect": [5]}, "inspect[0]", "expected text, got 5"),
        ({"feeds": ["x"]}, "feeds[0]", "expected keys and values (`key: value`), got 'x'"),
        ({"feeds": [{"name": "A b", "url": "http://x"}]}, "feeds[0].name",
         "expected a short name of a-z, 0-9, `.`, `-` and `_`, got 'A b'"),
        ({"feeds": [{"name": "a", "url": "ftp://x"}]}, "feeds[0].url",
         "expected an http:// or https:// address, got 'ftp://x'"),
        ({"indicators": [5]}, "indicators[0]", "expected text or keys and values (`key: value`), got 5"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(body: dict[str, Any], key: str, message: str) -> None:
    assert found(body) == [(key, message)]


def test_every_mistake_is_told() -> None:
    keys = [key for key, _ in found({"a": 1, "proxy": {"port": "x", "b": 2}, "dns": {"port": "y"}})]
    assert sorted(keys) == ["a", "dns.port", "proxy.b", "proxy.port"]


def test_durations_are_described_with_an_example() -> None:
    assert expected(schema_at(("policy", "waiver"))) == "text such as 30s"


def test_a_schema_of_no_known_type_is_described_vaguely() -> None:
    assert expected({}) == "another value"
