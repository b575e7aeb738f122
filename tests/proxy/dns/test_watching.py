"""Questions that are signs of another way out are counted, whoever answers them; an inspector's own are not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from indicators.coverage import Sign
from indicators.observation import Device
from proxy.devices import DeviceDirectory
from proxy.dns.lookup import LookupClient
from proxy.radar.gathering import read_signs
from tests.support.resolver import question, running
from tests.support.upstream import FakeUpstream


async def test_a_resolver_notes_who_asks_for_a_way_out(tmp_path: Path, upstream: FakeUpstream) -> None:
    upstream.add("dns.google 60 A 192.0.2.53", "api.mullvad.net 60 A 192.0.2.54", "www.example 60 A 192.0.2.55")
    settings = {"upstreams": [upstream.address], "encrypted_dns": "block"}
    token = Device("by-token", "tablet", listener="doh")
    tunnel = Device("in-tunnel", "phone", listener="wireguard")
    async with running(tmp_path, settings) as resolver:
        for name in ("dns.google", "api.mullvad.net", "www.example"):
            await resolver.ask(name)
        lookups = LookupClient(resolver.socket_path)
        await lookups.lookup("api.mullvad.net", Device("inspected", "x"))
        for handed_on in (token, tunnel):
            assert await lookups.query(question("www.example"), handed_on)
        await lookups.close()
        folder = resolver.state.radar
    found = read_signs(folder, datetime.now(UTC))
    weak = DeviceDirectory("installation").weak("127.0.0.1", "dns").id
    assert found[weak].seen.counts == {Sign.OTHER_DNS: 1, Sign.OTHER_VPN: 1}
    assert found[weak].seen.dns is not None
    for device in ("by-token", "in-tunnel"):
        assert (found[device].seen.counts, found[device].seen.dns is not None) == ({}, True)
    assert "inspected" not in found
