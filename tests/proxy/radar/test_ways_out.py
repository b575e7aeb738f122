"""Which destinations are a sign of another way out."""

from __future__ import annotations

import pytest

from indicators.coverage import Sign
from indicators.hosts import canonical_host
from proxy.radar.ways_out import other_vpns, way_out


@pytest.mark.parametrize(
    ("host", "port", "sign"),
    [
        ("dns.google", 443, Sign.OTHER_DNS),
        ("abc.dns.nextdns.io", None, Sign.OTHER_DNS),
        ("mask.icloud.com", None, Sign.OTHER_DNS),
        ("api.mullvad.net", 443, Sign.OTHER_VPN),
        ("www.example", 1194, Sign.OTHER_VPN),
        ("", 1723, Sign.OTHER_VPN),
        ("www.example", 443, None),
        ("notmullvad.net", 443, None),
        ("", 443, None),
    ],
)
def test_ways_out(host: str, port: int | None, sign: Sign | None) -> None:
    assert way_out(host, port) is sign


def test_the_data_file_holds_canonical_names() -> None:
    assert len(other_vpns()) > 20
    assert all(canonical_host(name) == name and "." in name for name in other_vpns())
