from __future__ import annotations

import ssl

import pytest

from addons.reserved_hosts import is_reserved
from tests.addons.conftest import Start
from tests.support.browsing import fetch, line
from tests.support.sights import indicator


@pytest.mark.parametrize("door", ["http", "socks"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_ca_and_a_page_are_served_under_our_name(start: Start, scheme: str, door: str) -> None:
    gateway, _ = await start(indicator("seawall.internal"))
    address = {door: getattr(gateway, door), "trust": gateway.ca}
    answer = await fetch(f"{scheme}://seawall.internal/ca.pem", **address)
    assert (answer.status, answer.body) == (200, gateway.ca.read_bytes())
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    der = await fetch(f"{scheme}://seawall.internal/ca.cer", **address)
    assert der.body == ssl.PEM_cert_to_DER_cert(gateway.ca.read_text())
    page = await fetch(f"{scheme}://seawall.internal/?x=1", **address)
    assert (page.status, "Download the certificate" in page.text) == (200, True)
    assert (await fetch(f"{scheme}://seawall.internal/nothing", **address)).status == 404
    assert (await fetch(f"{scheme}://eicar.seawall.internal/nothing", **address)).status == 404
    assert (await fetch(f"{scheme}://other.seawall.internal/", **address)).status == 404
    assert (gateway.resolver.asked, gateway.reports.events) == ([], [])


async def test_a_connection_made_for_us_serves_no_other_name(start: Start) -> None:
    gateway, site = await start()
    async with line(
        f"https://good.test:{site.https_port}/", http=gateway.http, trust=gateway.ca, sni="seawall.internal"
    ) as opened:
        assert (await opened.ask("/", host="good.test")).status == 421
        assert (await opened.ask("/", host="seawall.internal")).status == 200
    assert site.requests == []


@pytest.mark.parametrize("named", ["seawall.internal", "good.test"])
async def test_our_name_in_a_host_header_never_reaches_a_site(start: Start, named: str) -> None:
    gateway, site = await start()
    async with line(f"http://good.test:{site.http_port}/", http=gateway.http) as opened:
        answer = await opened.ask("/", host=named)
    assert (answer.status, len(site.requests)) == (200, 1 if named == "good.test" else 0)


def test_which_names_are_ours() -> None:
    assert is_reserved("seawall.internal")
    assert is_reserved("eicar.seawall.internal")
    assert not is_reserved("notseawall.internal")
    assert not is_reserved("internal")
