"""Against a stand-in for `networksetup` and `scutil`: see `tests/support/mac_settings.py` for what that shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.protect.network_setup import NetworkSetup
from proxy.protect.system_settings import Gate, change
from proxy.protect.way import ProtectError
from tests.support.mac_settings import MacSettings, a_service

GATE = Gate("127.0.0.1", 8080, 1080, ("10.0.0.0/8",))
PROXY = [True, "proxy.example", 3128, False]
LAN = "USB 10/100/1000 LAN"


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MacSettings:
    made = MacSettings(
        tmp_path,
        Wi_Fi=a_service(),
        **{LAN: a_service(webproxy=PROXY, auto=[True, "http://x.test/p?a: b"], discovery=True, bypass=[])},
        Old=a_service(enabled=False),
        Odd=a_service(has_no_proxies=True),
    )
    monkeypatch.setenv("PATH", str(made.folder))
    return made


def test_every_enabled_service_is_read(mac: MacSettings) -> None:
    found = NetworkSetup().read()
    assert {name.partition(" ")[2] for name in found} == {"Wi Fi", LAN}
    assert found["webproxy Wi Fi"] == ("off", "", "0")
    assert found["proxybypassdomains Wi Fi"] == ("*.local", "169.254/16")
    assert found[f"webproxy {LAN}"] == ("on", "proxy.example", "3128")
    assert found[f"autoproxyurl {LAN}"] == ("on", "http://x.test/p?a: b")
    assert found[f"proxyautodiscovery {LAN}"] == ("on",)
    assert found[f"proxybypassdomains {LAN}"] == ()


def test_services_are_pointed_here_and_put_back_as_they_were(mac: MacSettings) -> None:
    settings, before = NetworkSetup(), mac.services
    was = settings.read()
    change(settings, was, settings.wanted(was, GATE).items())
    for name in ("Wi Fi", LAN):
        now = mac.services[name]
        assert now["webproxy"] == now["securewebproxy"] == [True, "127.0.0.1", 8080, False]
        assert now["socksfirewallproxy"] == [True, "127.0.0.1", 1080, False]
        assert {"localhost", "*.local", "10.0.0.0/8"} <= set(now["bypass"])
        assert (now["auto"][0], now["discovery"]) == (False, False)
    assert mac.services["Old"] == before["Old"]
    assert settings.in_force() == {"http": ("127.0.0.1", 8080), "https": ("127.0.0.1", 8080)}
    change(settings, settings.read(), was.items())
    assert mac.services == before
    assert settings.in_force() == {}


def test_where_a_proxy_cannot_be_emptied_it_is_turned_off_all_the_same(mac: MacSettings) -> None:
    mac.tell(services={"Wi-Fi": a_service(webproxy=PROXY)}, wants_a_server=True)
    NetworkSetup().write("webproxy Wi-Fi", ("off", "", "0"))
    assert mac.services["Wi-Fi"]["webproxy"][0] is False


def test_automatic_configuration_goes_before_named_proxies(mac: MacSettings) -> None:
    mac.tell(services={"Wi-Fi": a_service(webproxy=PROXY)})
    assert NetworkSetup().in_force() == {"http": ("proxy.example", 3128)}
    mac.tell(services={"Wi-Fi": a_service(webproxy=PROXY, auto=[True, "http://x.test/"])})
    assert NetworkSetup().in_force() == {}


def test_a_proxy_with_a_password_could_not_be_put_back(mac: MacSettings) -> None:
    mac.tell(services={"Wi-Fi": a_service(securewebproxy=[True, "proxy.example", 3128, True])})
    with pytest.raises(ProtectError, match=r"Wi-Fi: has a proxy with a password \(proxy.example\)"):
        NetworkSetup().read()


def test_what_the_system_refuses_is_said(mac: MacSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProtectError, match=r"-setwebproxy: No such is not a recognized network service\. \*\* Error"):
        NetworkSetup().write("webproxy No such", ("on", "127.0.0.1", "8080"))
    mac.tell(refuses=True)
    with pytest.raises(ProtectError, match="run it with sudo"):
        NetworkSetup().write("webproxy Wi Fi", ("on", "127.0.0.1", "8080"))


@pytest.mark.parametrize(
    ("body", "why"), [("echo '** Error: no'", r"\*\* Error: no"), ("exec sleep 60", "did not answer within")]
)
def test_a_program_that_fails_in_its_own_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, why: str
) -> None:
    monkeypatch.setattr("proxy.protect.programs._LIMIT", 1.0)
    program = tmp_path / "networksetup"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ProtectError, match=why):
        NetworkSetup().read()


def test_elsewhere_the_program_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.protect.programs.shutil.which", lambda name, path=None: None)
    with pytest.raises(ProtectError, match="`networksetup` is not there"):
        NetworkSetup().read()
