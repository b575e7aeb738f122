"""Signs of a device: names, agents and headers of jailbreaks' stores, captive-portal checks, client hints."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from indicators.device_signs import UNNAMED, Sign, SignKind, of_hints, shipped_signs
from indicators.hosts import canonical_host

SIGNS = shipped_signs()
K = SignKind


@pytest.mark.parametrize(
    ("host", "connected", "sign"),
    [
        ("repo.palera.in", True, Sign(K.JAILBREAK_CONNECTION, "palera1n")),
        ("getzbra.com", False, Sign(K.JAILBREAK_NAME, "Zebra")),
        ("notgetzbra.com", False, None),
        ("bingner.com", True, None),
        ("captive.apple.com", False, Sign(K.CAPTIVE_CHECK, "Apple")),
        ("connectivitycheck.gstatic.com", True, Sign(K.CAPTIVE_CHECK, "Android")),
        ("www.gstatic.com", True, None),
    ],
)
def test_names(host: str, connected: bool, sign: Sign | None) -> None:
    assert SIGNS.of_name(host, connected=connected) == sign


CYDIA = {"x-machine": "iPhone10,3", "x-firmware": "14.8", "x-unique-id": "0" * 40}


@pytest.mark.parametrize(
    ("host", "path", "headers", "sign"),
    [
        ("apt.procurs.us", "/", CYDIA, Sign(K.JAILBREAK_PROTOCOL, "Sileo")),
        ("repo.of.nobody.example", "/", CYDIA, Sign(K.JAILBREAK_PROTOCOL, UNNAMED)),
        ("repo.of.nobody.example", "/", {"x-machine": "a server's own header"}, None),
        ("apt.bingner.com", "/dists/ios/Packages.bz2?x=1", {}, Sign(K.JAILBREAK_PROTOCOL, "Cydia")),
        ("apt.bingner.com", "/debs/tweak.deb", {}, Sign(K.JAILBREAK_PROTOCOL, "Cydia")),
        ("apt.bingner.com", "/index.html", {}, None),
        ("packages.vendor.example", "/dists/stable/Release", {}, None),
    ],
)
def test_requests(host: str, path: str, headers: dict[str, str], sign: Sign | None) -> None:
    assert SIGNS.of_request(host, path, headers) == sign


@pytest.mark.parametrize(
    ("agent", "store"),
    [
        ("Telesphoreo APT-HTTP/1.0.592", "Cydia"),
        ("Sileo/2.5 CoreFoundation/1946.102 Darwin/22.0.0", "Sileo"),
        ("Zebra/1.1.35 (iPhone; iOS/16.5)", "Zebra"),
        ("Mozilla/5.0 (a page about Sileo/2.5)", ""),
    ],
)
def test_agents(agent: str, store: str) -> None:
    assert SIGNS.of_agent(agent) == (Sign(K.JAILBREAK_AGENT, store) if store else None)


def test_client_hints_count_where_a_version_is_told() -> None:
    asked = {"sec-ch-ua-platform": '"Android"', "sec-ch-ua-platform-version": '"15.0.0"', "sec-ch-ua-model": '"P|9"'}
    assert of_hints(asked) == Sign(K.CLIENT_HINT, "Android|15.0.0|P 9")
    assert of_hints({"sec-ch-ua-platform": '"Android"', "sec-ch-ua-platform-version": '""'}) is None


def test_the_shipped_file_says_where_it_comes_from_and_names_canonical_hosts() -> None:
    told = json.loads((files("indicators") / "data" / "device_signs.json").read_text("utf-8"))
    assert told["licence"] and told["source"] and told["gathered"]
    hosts = [*SIGNS.stores, *SIGNS.checks]
    assert hosts == [canonical_host(host) for host in hosts]
    for store in ("Cydia", "Sileo", "Zebra", "palera1n"):
        assert store in SIGNS.stores.values()
