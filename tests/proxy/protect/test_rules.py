"""The text of the rules and what is refused before any; what they do is tried in `test_in_the_kernel.py`."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from proxy.config.model import Config
from proxy.firewall.plan import PlanError
from proxy.protect.rules import Shield, protecting, renewed, shield_of

SHIELD = Shield(990, 8443, 5053, (4,), (ip_network("10.0.0.0/8"),), "open", rejects_quic=True)


def config(**sections: Any) -> Config:
    return Config.model_validate({"proxy": {"transparent_port": 8443}, **sections})


def test_a_shield_holds_what_the_configuration_says() -> None:
    given = config(protect={"on_crash": "closed", "bypass": ["192.0.2.0/24"]}, quic="pass", dns={"host": "::"})
    given = given.model_copy(update={"dns": given.dns.model_copy(update={"port": 5053})})
    found = shield_of(given, 990)
    assert found == Shield(990, 8443, 5053, (4, 6), (ip_network("192.0.2.0/24"),), "closed", rejects_quic=False)


@pytest.mark.parametrize(
    ("given", "uid", "why"),
    [
        (config(), 0, "user: the gateway runs as root"),
        (config(proxy={}), 990, "proxy.transparent_port: is not set"),
        (config(proxy={"transparent_port": 0}), 990, "proxy.transparent_port: is not set"),
        (config(dns={"host": "192.0.2.1"}), 990, "dns.host: is 192.0.2.1"),
    ],
)
def test_what_cannot_be_a_shield(given: Config, uid: int, why: str) -> None:
    with pytest.raises(PlanError, match=why):
        shield_of(given, uid)


def test_the_gateways_own_user_comes_first_and_goes_out_directly() -> None:
    chains = [text for text in protecting(SHIELD, "of_1").split("chain ") if "hook output" in text]
    assert [text.splitlines()[2].strip() for text in chains] == ["meta skuid 990 return"] * 2


@pytest.mark.parametrize(("on_crash", "there"), [("open", True), ("closed", False)])
def test_only_what_is_to_open_needs_somebody_alive(on_crash: Any, there: bool) -> None:
    assert ("meta l4proto != @alive return" in protecting(replace(SHIELD, on_crash=on_crash), "of_1")) is there


def test_a_renewal_names_the_shield_that_it_is_for() -> None:
    """The chain of its mark is touched first: where that is gone, the whole transaction fails."""
    assert renewed("of_1").splitlines()[0] == "flush chain inet seawall_protect of_1"
    assert "timeout 15s" in renewed("of_1")
    assert "chain of_1 {" in protecting(SHIELD, "of_1")
