"""What a device is handed: files that its platform reads, each with what it is for."""

from __future__ import annotations

import plistlib
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proxy import ca
from proxy.devices.credentials import new_credentials
from proxy.enrolment import kit
from proxy.enrolment.kit import Enrolment, HandedFile
from proxy.enrolment.places import Places
from proxy.enrolment.signing import signer_from
from proxy.profiles.wireguard import text_of
from proxy.state import StateDir
from tests.proxy.profiles.test_qr import decoded
from tests.proxy.profiles.test_wireguard import PROFILE

GIVEN = new_credentials("ab" * 16)
PLACES = Places("192.0.2.1", 8080, doh=f"https://dns.test/dns-query/{GIVEN.token}", dot=f"{GIVEN.token}.dns.test")
AUTHORITY = "\n".join(["-----BEGIN CERTIFICATE-----", "MAA=", "-----END CERTIFICATE-----", ""]).encode()
WITHOUT = Enrolment("ab" * 16, "Anna's Pixel 8 (work)", GIVEN, PLACES, AUTHORITY)
WITH = replace(WITHOUT, tunnel=PROFILE)


def named(one: Enrolment) -> dict[str, HandedFile]:
    return {file.name: file for file in kit.files_of(one)}


def types(file: HandedFile) -> dict[str, dict[str, Any]]:
    return {part["PayloadType"].rpartition(".")[2]: part for part in plistlib.loads(file.body)["PayloadContent"]}


def test_with_a_tunnel_every_platform_has_its_file() -> None:
    files = named(WITH)
    short = "Annas-Pixel-8-w"
    assert list(files) == [
        "seawall-ca.crt",
        f"{short}.conf",
        *(f"{short}-{name}.mobileconfig" for name in ("ios", "macos", "dns", "supervised")),
    ]
    assert files[f"{short}.conf"].body.decode() == text_of(PROFILE) == WITH.conf
    ios, macos = types(files[f"{short}-ios.mobileconfig"]), types(files[f"{short}-macos.mobileconfig"])
    assert set(ios) == {"root", "managed"}
    assert ios["managed"]["VendorConfig"]["WgQuickConfig"] == WITH.conf
    assert ios["managed"]["VPN"]["OnDemandRules"] == [{"Action": "Connect"}]
    assert (ios["managed"]["VPNSubType"], macos["managed"]["VPNSubType"]) == (
        "com.wireguard.ios",
        "com.wireguard.macos",
    )
    assert all(file.purpose for file in files.values())


def test_dns_stands_beside_the_tunnel_where_asked_for() -> None:
    file = named(replace(WITH, with_dns=True))["Annas-Pixel-8-w-ios.mobileconfig"]
    kinds = [part["PayloadType"] for part in plistlib.loads(file.body)["PayloadContent"]]
    assert kinds == ["com.apple.security.root", "com.apple.vpn.managed", "com.apple.dnsSettings.managed"]


def test_without_a_tunnel_there_are_dns_and_the_proxy() -> None:
    files = named(WITHOUT)
    assert list(files) == ["seawall-ca.crt", *(f"Annas-Pixel-8-w-{x}.mobileconfig" for x in ("dns", "supervised"))]
    dns = types(files["Annas-Pixel-8-w-dns.mobileconfig"])
    assert dns["managed"]["DNSSettings"] == {"DNSProtocol": "HTTPS", "ServerURL": PLACES.doh}
    proxy = types(files["Annas-Pixel-8-w-supervised.mobileconfig"])["global"]
    assert (proxy["ProxyServer"], proxy["ProxyServerPort"], proxy["ProxyUsername"], proxy["ProxyPassword"]) == (
        ("192.0.2.1", 8080, GIVEN.user, GIVEN.password)
    )
    assert (WITHOUT.conf, kit.qr_of(WITHOUT)) == ("", "")
    alone = replace(WITHOUT, places=Places("192.0.2.1", 8080))
    assert list(named(alone)) == ["seawall-ca.crt", "Annas-Pixel-8-w-supervised.mobileconfig"]


def test_dns_over_tls_alone_makes_a_profile_too() -> None:
    file = named(replace(WITHOUT, places=replace(PLACES, doh="")))["Annas-Pixel-8-w-dns.mobileconfig"]
    assert types(file)["managed"]["DNSSettings"] == {"DNSProtocol": "TLS", "ServerName": PLACES.dot}


def test_each_profile_is_locked_where_asked_for() -> None:
    for name, file in named(replace(WITH, locked=True)).items():
        assert not name.endswith("mobileconfig") or plistlib.loads(file.body)["PayloadRemovalDisallowed"] is True


def test_what_is_typed_into_a_device() -> None:
    assert kit.uses_of(WITHOUT) == {
        "proxy": f"http://{GIVEN.user}:{GIVEN.password}@192.0.2.1:8080",
        "pac": "http://192.0.2.1:8080/proxy.pac",
        "doh": PLACES.doh,
        "dot": PLACES.dot,
    }
    assert set(kit.uses_of(replace(WITHOUT, places=Places("192.0.2.1", 8080)))) == {"proxy", "pac"}


def test_the_emulators_commands_name_its_ways() -> None:
    lines = kit.emulator_of(WITH)
    assert "adb shell settings put global http_proxy 10.0.2.2:8080" in lines
    assert "adb push Annas-Pixel-8-w.conf /sdcard/Download/" in lines
    assert f"adb shell settings put global private_dns_specifier {PLACES.dot}" in lines
    plain = kit.emulator_of(replace(WITHOUT, places=Places("192.0.2.1", 9)))
    assert plain == [
        "adb shell settings put global http_proxy 10.0.2.2:9",
        "adb push seawall-ca.crt /sdcard/Download/seawall-ca.crt",
    ]


def test_the_code_in_the_terminal_is_the_configuration() -> None:
    assert decoded(kit.qr_of(WITH)) == WITH.conf


def test_android_takes_the_files_name() -> None:
    [conf] = [
        name for name in named(replace(WITH, name="Ein sehr langer Name für ein Gerät")) if name.endswith(".conf")
    ]
    assert re.fullmatch(r"[a-zA-Z0-9_=+.-]{1,15}", conf.removesuffix(".conf"))


def test_a_signed_profile_verifies(tmp_path: Path, require_program: Callable[[str], str]) -> None:
    state = StateDir(tmp_path / "s")
    authority = ca.load_or_create(state, datetime.now(UTC))
    key = ca.key_file(state)
    signed = named(replace(WITH, authority=authority.encoded(), signer=signer_from(authority.path, key)))
    plain = named(replace(WITH, authority=authority.encoded()))
    for name in (name for name in signed if name.endswith("mobileconfig")):
        (tmp_path / "p").write_bytes(signed[name].body)
        done = subprocess.run(
            [require_program("openssl"), "smime", "-verify", "-inform", "der", "-noverify", "-in", tmp_path / "p"],
            capture_output=True, timeout=30, check=True,
        )  # fmt: skip
        assert plistlib.loads(done.stdout) == plistlib.loads(plain[name].body)


@pytest.mark.parametrize("name", ["seawall-ca.crt", "Annas-Pixel-8-w.conf"])
def test_what_is_no_profile_is_not_signed(name: str, tmp_path: Path) -> None:
    state = StateDir(tmp_path / "s")
    authority = ca.load_or_create(state, datetime.now(UTC))
    one = replace(WITH, authority=authority.encoded(), signer=signer_from(authority.path, ca.key_file(state)))
    assert named(one)[name] == named(replace(one, signer=None))[name]
