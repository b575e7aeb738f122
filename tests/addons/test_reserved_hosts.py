from __future__ import annotations

import ssl

import pytest

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
    proof = await fetch(f"{scheme}://seawall.internal/.seawall/probe/0f1e", **address)
    assert (proof.status, proof.text, proof.headers["content-type"]) == (200, "0f1e", "text/plain")
    assert (await fetch(f"{scheme}://seawall.internal/.seawall/probe/a-b", **address)).text == ""
    page = await fetch(f"{scheme}://seawall.internal/?x=1", **address)
    assert (page.status, "This device is behind Seawall" in page.text) == (200, True)
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


async def test_what_came_to_the_proxys_own_port_is_told_by_its_host_and_closed(start: Start) -> None:
    asked: list[str] = []

    def make(host: str) -> tuple[bytes, str]:
        asked.append(host)
        return b"made", "application/x-ns-proxy-autoconfig"

    gateway, _ = await start(handed_out={"/proxy.pac": make})
    for named, last in (("10.0.2.2:8080", "close"), ("[::1]:8080", "close"), ("seawall.internal", None)):
        async with line("http://seawall.internal/", http=gateway.http) as opened:
            opened.port = 80
            answer = await opened.ask("/proxy.pac", host=named)
        assert (answer.status, answer.body) == (200, b"made")
        assert answer.headers["content-type"] == "application/x-ns-proxy-autoconfig"
        assert answer.headers.get("connection") == last
    assert asked == ["10.0.2.2:8080", "[::1]:8080", "seawall.internal"]


async def test_the_page_says_who_a_device_is_taken_for(start: Start) -> None:
    gateway, _ = await start()
    answer = await fetch("http://seawall.internal/", http=gateway.http, headers={"User-Agent": "x (iPhone)"})
    assert "knows it as <strong>the test</strong>" in answer.text
    assert "connect-src http://*.check.seawall.internal" in answer.headers["content-security-policy"]
    assert "<details open><summary>iPhone" in answer.text


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/ca.crt", "application/x-x509-ca-cert"),
        ("/ca.pem", "application/x-x509-ca-cert"),
        ("/ca.cer", "application/pkix-cert"),
        ("/ca.der", "application/x-x509-ca-cert"),
    ],
)
async def test_each_platform_is_given_the_ca_as_it_opens_it(start: Start, path: str, media: str) -> None:
    gateway, _ = await start()
    answer = await fetch(f"http://seawall.internal{path}", http=gateway.http)
    assert (answer.headers["content-type"], answer.status) == (media, 200)
