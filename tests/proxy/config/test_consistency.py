"""Keys that are right alone and wrong together, each named where the user wrote it."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.config.consistency import RESERVED_NAMES, findings
from proxy.config.errors import dotted
from proxy.config.model import Config

FEED = {"name": "a", "url": "https://feed.example/"}


@pytest.mark.parametrize(
    ("body", "key", "says"),
    [
        ({"proxy": {"port": 1080}}, "proxy.port", "1080 is proxy.socks_port already"),
        ({"proxy": {"socks_port": 8080}}, "proxy.socks_port", "8080 is proxy.port already"),
        ({"dns": {"port": 8088}}, "dns.port", "8088 is collector.port already"),
        ({"proxy": {"port": 7000, "transparent_port": 7000}}, "proxy.transparent_port", "7000 is proxy.port already"),
        ({"collector": {"port": 8080, "host": "0.0.0.0"}}, "collector.port", "8080 is proxy.port already"),
        ({"collector": {"port": 8080, "host": "::"}}, "collector.port", "8080 is proxy.port already"),
        ({"dns": {"upstreams": ["system", "dns.example"]}}, "dns.upstreams[1]", "an address such as 9.9.9.9"),
        ({"dns": {"upstreams": ["9.9.9.9:99999"]}}, "dns.upstreams[0]", "an address such as 9.9.9.9"),
        ({"dns": {"upstreams": ["127.0.0.1:5053"]}}, "dns.upstreams[0]", "127.0.0.1:5053 is this one itself"),
        ({"dns": {"host": "0.0.0.0", "port": 53, "upstreams": ["tcp://127.0.0.1"]}}, "dns.upstreams[0]", "itself"),
        ({"feeds": [{"name": "a"}]}, "feeds[0]", "exactly one of `path` and `url`, got neither"),
        ({"feeds": [{**FEED, "path": "x"}]}, "feeds[0]", "exactly one of `path` and `url`, got both"),
        ({"feeds": [FEED, FEED]}, "feeds[1].name", "feeds[0] is called `a` already"),
        ({"feeds": [{**FEED, "name": "custom"}]}, "feeds[0].name", "`custom` is used by Seawall itself"),
        ({"feeds": [{**FEED, "action": "allow"}]}, "feeds[0].action", "a feed cannot allow"),
        ({"feeds": [{**FEED, "interval": "0h"}]}, "feeds[0].interval", "expected more than zero"),
        ({"inspect": ["ok.example", "a b"]}, "inspect[1]", "expected a host such as"),
        ({"inspect": ["a*.example"]}, "inspect[0]", "has a `*`"),
        ({"never_inspect": ["https://x/"]}, "never_inspect[0]", "expected a host such as"),
        ({"dns": {"hosts": {"a b": "127.0.0.1"}}}, "dns.hosts.a b", "expected a host such as"),
    ],
)
def test_what_does_not_fit_is_named(body: dict[str, Any], key: str, says: str) -> None:
    found = [(dotted(path), message) for path, message in findings(Config.model_validate(body))]
    assert [path for path, _ in found] == [key]
    assert says in found[0][1]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"proxy": {"port": 0, "socks_port": 0}, "dns": {"port": 0}, "collector": {"port": 0}},
        {"collector": {"port": 8080, "host": "127.0.0.2"}},
        {"dns": {"upstreams": ["system", "9.9.9.9", "tcp://10.0.0.53:5353", "2620:fe::fe", "127.0.0.2:5053"]}},
        {"collector": {"port": 8080, "url": "https://elsewhere.example"}},
        {"feeds": [FEED, {"name": "b", "path": "x.txt"}]},
    ],
)
def test_what_fits_is_not_named(body: dict[str, Any]) -> None:
    assert list(findings(Config.model_validate(body))) == []


@pytest.mark.parametrize("broken", [{("proxy",)}, {("proxy", "port")}])
def test_defaults_in_place_of_mistakes_are_not_compared(broken: set[tuple[str, ...]]) -> None:
    config = Config.model_validate({"dns": {"port": 8080}})
    assert list(findings(config))
    assert list(findings(config, broken)) == []


def test_the_test_feed_has_a_reserved_name() -> None:
    from indicators.testfeed import SOURCE

    assert SOURCE in RESERVED_NAMES
