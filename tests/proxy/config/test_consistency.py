"""Keys that are right alone and wrong together, each named where the user wrote it."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.config.consistency import findings
from proxy.config.errors import dotted
from proxy.config.feed_findings import RESERVED_NAMES
from proxy.config.model import Config

FEED = {"name": "a", "url": "https://feed.example/"}


@pytest.mark.parametrize(
    ("body", "key", "says"),
    [
        ({"proxy": {"port": 1080}}, "proxy.port", "1080 is proxy.socks_port already"),
        ({"proxy": {"socks_port": 8080}}, "proxy.socks_port", "8080 is proxy.port already"),
        ({"dns": {"port": 8088}}, "dns.port", "8088 is collector.port already"),
        ({"proxy": {"port": 7000, "transparent_port": 7000}}, "proxy.transparent_port", "7000 is proxy.port already"),
        ({"proxy": {"tproxy_port": 8080}}, "proxy.tproxy_port", "8080 is proxy.port already"),
        (
            {"dns": {"page_address": ["127.0.0.1"]}, "pages": {"http_port": 8080}},
            "pages.http_port",
            "8080 is proxy.port already",
        ),
        ({"collector": {"port": 8080, "host": "0.0.0.0"}}, "collector.port", "8080 is proxy.port already"),
        ({"collector": {"port": 8080, "host": "::"}}, "collector.port", "8080 is proxy.port already"),
        ({"dns": {"upstreams": ["system", "dns.example"]}}, "dns.upstreams[1]", "an address such as 9.9.9.9"),
        ({"dns": {"upstreams": ["9.9.9.9:99999"]}}, "dns.upstreams[0]", "an address such as 9.9.9.9"),
        ({"dns": {"upstreams": ["127.0.0.1:5053"]}}, "dns.upstreams[0]", "127.0.0.1:5053 is this one itself"),
        ({"dns": {"host": "0.0.0.0", "port": 53, "upstreams": ["tcp://127.0.0.1"]}}, "dns.upstreams[0]", "itself"),
        ({"dns": {"bootstrap": ["tls://dns.example"]}}, "dns.bootstrap[0]", "would have to be looked up itself"),
        ({"dns": {"bootstrap": ["router"]}}, "dns.bootstrap[0]", "an address such as 9.9.9.9"),
        ({"dns": {"routes": {"a.example": "router"}}}, "dns.routes.a.example", "an address such as 9.9.9.9"),
        ({"dns": {"routes": {"a.example": ["9.9.9.9", "router"]}}}, "dns.routes.a.example[1]", "such as 9.9.9.9"),
        ({"dns": {"tls_port": 853, "upstreams": ["tls://127.0.0.1"]}}, "dns.upstreams[0]", "is this one itself"),
        ({"dns": {"https_port": 8453, "tls_port": 8453}}, "dns.https_port", "8453 is dns.tls_port already"),
        ({"dns": {"tls": {"name": "192.0.2.1"}}}, "dns.tls.name", "a name such as dns.example.com"),
        ({"dns": {"tls": {"name": "a b"}}}, "dns.tls.name", "a name such as dns.example.com"),
        ({"dns": {"tls": {"key": "a.pem"}}}, "dns.tls.cert", "the certificate that `key` belongs to"),
        ({"feeds": [{"name": "a"}]}, "feeds[0]", "exactly one of `path` and `url`, got neither"),
        ({"feeds": [{**FEED, "path": "x"}]}, "feeds[0]", "exactly one of `path` and `url`, got both"),
        ({"feeds": [FEED, FEED]}, "feeds[1].name", "feeds[0] is called `a` already"),
        ({"feeds": [{**FEED, "name": "custom"}]}, "feeds[0].name", "`custom` is used by Seawall itself"),
        ({"feeds": [{**FEED, "action": "allow"}]}, "feeds[0].action", "a feed cannot allow"),
        ({"feeds": [{**FEED, "interval": "0h"}]}, "feeds[0].interval", "expected more than zero"),
        ({"outputs": [{"name": "a"}]}, "outputs[0]", "exactly one of `webhook` and `syslog`, got neither"),
        ({"outputs": [{"name": "a", "webhook": "https://x", "syslog": "udp://x"}]}, "outputs[0]", "got both"),
        (
            {"outputs": [{"name": "a", "syslog": "udp://x", "format": "json"}]},
            "outputs[0].format",
            "text or cef or ocsf",
        ),
        ({"outputs": [{"name": "a", "webhook": "https://x", "format": "cef"}]}, "outputs[0].format", "json or caep"),
        ({"outputs": [{"name": "a", "syslog": "udp://x"}] * 2}, "outputs[1].name", "outputs[0] is called so already"),
        ({"metrics": {"port": 8080}}, "metrics.port", "8080 is proxy.port already"),
        ({"inspect": ["ok.example", "a b"]}, "inspect[1]", "expected a host such as"),
        ({"corporate": {"hosts": ["a b"]}}, "corporate.hosts[0]", "expected a host such as"),
        ({"corporate": {"risk_max_age": "0h"}}, "corporate.risk_max_age", "more than zero"),
        ({"collector": {"tls": {"cert": "c.pem"}}}, "collector.tls.key", "`cert` and `key` together"),
        ({"collector": {"tls": {"key": "c.key"}}}, "collector.tls.cert", "`cert` and `key` together"),
        ({"collector": {"url": "http://c.example"}}, "collector.url", "expected https"),
        ({"collector": {"url": "http://192.0.2.7:8088"}}, "collector.url", "expected https"),
        ({"inspect": ["a*.example"]}, "inspect[0]", "has a `*`"),
        ({"never_inspect": ["https://x/"]}, "never_inspect[0]", "expected a host such as"),
        ({"dns": {"hosts": {"a b": "127.0.0.1"}}}, "dns.hosts.a b", "expected a host such as"),
        ({"proxy": {"host": "192.0.2.1"}}, "proxy.host", "expected `proxy.allow_clients`, or `proxy.credentials:"),
        ({"proxy": {"host": "::"}}, "proxy.host", "anybody who can reach this address could use the proxy"),
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
        {"proxy": {"host": "0.0.0.0", "allow_clients": ["192.0.2.0/24"]}},
        {"proxy": {"host": "0.0.0.0", "credentials": "required"}},
        {"proxy": {"port": 0, "socks_port": 0}, "dns": {"port": 0}, "collector": {"port": 0}},
        {"collector": {"port": 8080, "host": "127.0.0.2"}},
        {"dns": {"upstreams": ["system", "9.9.9.9", "tcp://10.0.0.53:5353", "2620:fe::fe", "127.0.0.2:5053"]}},
        {"dns": {"upstreams": ["https://dns.example/dns-query", "tls://dns.example"], "bootstrap": ["9.9.9.9"]}},
        {"dns": {"tls_port": 853, "upstreams": ["127.0.0.1:853"], "tls": {"name": "a.example", "cert": "a.pem"}}},
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
