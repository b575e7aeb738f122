"""Upstream addresses as people write them."""

from __future__ import annotations

import pytest

from proxy.dns.endpoint import parse_endpoint


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("9.9.9.9", "udp://9.9.9.9:53"),
        ("10.0.0.53:5353", "udp://10.0.0.53:5353"),
        ("2620:fe::fe", "udp://[2620:fe::fe]:53"),
        ("[2620:fe::fe]", "udp://[2620:fe::fe]:53"),
        ("[2620:fe::fe]:54", "udp://[2620:fe::fe]:54"),
        ("udp://9.9.9.9", "udp://9.9.9.9:53"),
        ("tcp://9.9.9.9:54/", "tcp://9.9.9.9:54"),
        ("tls://9.9.9.9", "tls://9.9.9.9:853"),
        ("tls://9.9.9.9#dns.quad9.net", "tls://9.9.9.9:853#dns.quad9.net"),
        ("tls://[::1]:8853#dns.example", "tls://[::1]:8853#dns.example"),
        ("fe80::1%eth0", "udp://[fe80::1%eth0]:53"),
        ("tls://DNS.Example", "tls://dns.example:853"),
        ("tls://dns.example:8853", "tls://dns.example:8853"),
        ("https://dns.example", "https://dns.example:443/dns-query"),
        ("https://dns.example/", "https://dns.example:443/dns-query"),
        ("https://9.9.9.9:5443/a/b?c#dns.example", "https://9.9.9.9:5443/a/b?c#dns.example"),
        ("https://[::1]/q", "https://[::1]:443/q"),
    ],
)
def test_read(text: str, spelt: str) -> None:
    assert str(parse_endpoint(text)) == spelt


@pytest.mark.parametrize(
    "text",
    [
        *("router", "9.9.9.9:0", "9.9.9.9:65536", "9.9.9.9:x", "", "[::1", "http://9.9.9.9", "udp://dns.example"),
        *("9.9.9.9/x", "tls://9.9.9.9/x", "tls://", "https://", "https://a b/", "https://a.example/b c", "tls://1.2.3"),
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"dns\.upstreams: expected an address"):
        parse_endpoint(text)
