"""A site whose certificate a private authority signed, decrypted by a real gateway that was told of that authority."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.support.gateway import CONFIG, running_gateway
from tests.support.origin import origin

INSPECTS = "inspect_untrusted: true\ninspect: [benign.test]\n"


@pytest.mark.parametrize("told", [True, False])
async def test_sites_under_a_private_authority_open_only_when_it_is_named(tmp_path: Path, told: bool) -> None:
    config = CONFIG.replace("socks_port: 0", "socks_port: 0, upstream_ca: origin.pem") if told else CONFIG
    async with origin(tmp_path, "benign.test") as site, running_gateway(tmp_path, INSPECTS, config=config) as gateway:
        url = f"https://benign.test:{site.https_port}/"
        try:
            status, text = await gateway.get(url)
        except aiohttp.ClientError:
            status, text = 502, ""
        assert (status, "hello from" in text) == ((200, True) if told else (502, False))
        assert len(site.requests) == (1 if told else 0)
