"""Addresses in profiles are those at which a device really reaches the gateway."""

from __future__ import annotations

from ipaddress import ip_address

from proxy.config.model import Config
from proxy.enrolment.places import places_of, reachable

TOKEN = "a" * 26


def config(**dns: object) -> Config:
    return Config.model_validate({"proxy": {"host": "192.0.2.7", "port": 8123}, "dns": dns})


def test_dns_is_named_where_it_is_served() -> None:
    found = places_of(config(https_port=8453, tls_port=853, tls={"name": "dns.test"}), TOKEN)
    assert (found.doh, found.dot) == (f"https://dns.test:8453/dns-query/{TOKEN}", f"{TOKEN}.dns.test")
    assert places_of(config(https_port=443), TOKEN).doh == f"https://seawall.internal/dns-query/{TOKEN}"
    assert (places_of(config(), TOKEN).doh, places_of(config(), TOKEN).dot) == ("", "")


def test_the_pac_file_is_at_the_proxys_own_port() -> None:
    assert places_of(config(), TOKEN).pac == "http://192.0.2.7:8123/proxy.pac"
    assert places_of(config(), TOKEN, "10.0.2.2").pac == "http://10.0.2.2:8123/proxy.pac"
    assert places_of(config(), TOKEN, "2001:db8::1").proxy == "[2001:db8::1]:8123"


def test_no_file_names_an_address_that_stands_for_all() -> None:
    assert not ip_address(reachable("0.0.0.0")).is_unspecified
    assert not ip_address(reachable("::")).is_unspecified
    assert reachable("192.0.2.7") == "192.0.2.7"
