"""The profile holds only keys that Apple publishes, with their types, and can be signed."""

from __future__ import annotations

import plistlib
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from ruamel.yaml import YAML

from proxy.profiles.apple import AppleProfile, DnsChoice, ProxyChoice, profile_of, signed

DEVICE = {"device_id": "d1", "device_name": "Anna's phone"}
COMMON = {"PayloadType", "PayloadVersion", "PayloadIdentifier", "PayloadUUID", "PayloadDisplayName"}
# Apple lists it for IKEv2 alone; wireguard-apple's MOBILECONFIG.md asks for it here.
OF_WIREGUARD = {"com.apple.vpn.managed.VPN": {"RemoteAddress"}}
TYPES = {
    "<string>": str, "<integer>": int, "<boolean>": bool, "<array>": list, "<dictionary>": dict, "<data>": bytes,
}  # fmt: skip


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    folder = tmp_path_factory.mktemp("ca")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=Test CA", "-keyout", folder / "key", "-out", folder / "cert"],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return (folder / "cert").read_bytes(), (folder / "key").read_bytes()


def whole(authority: bytes, **more: Any) -> AppleProfile:
    return AppleProfile(
        **DEVICE,
        authority=authority,
        tunnel="[Interface]\nPrivateKey = x\n",
        dns=DnsChoice(url="https://dns.example/dns-query/token", addresses=("192.0.2.1",)),
        proxy=ProxyChoice("192.0.2.1", 8080, "device-1", "secret"),
        **more,
    )


def payloads(profile: AppleProfile) -> dict[str, dict[str, Any]]:
    return {one["PayloadType"]: one for one in plistlib.loads(profile_of(profile))["PayloadContent"]}


def check(value: Any, keys: list[dict[str, Any]], where: str) -> None:
    """Hold a dictionary against Apple's description of its keys."""
    known = {key["key"]: key for key in keys}
    assert set(value) <= set(known) | OF_WIREGUARD.get(where, set()), f"{where}: unknown keys {set(value) - set(known)}"
    for name, key in known.items():
        if key.get("presence") == "required":
            assert name in value, f"{where}: {name} is required"
        if name in value:
            assert isinstance(value[name], TYPES.get(key["type"], object)), f"{where}.{name}"
            assert value[name] in key["rangelist"] if "rangelist" in key else True
            if name == "VendorConfig":  # its keys are the app's, here wireguard-apple's
                continue
            if key["type"] == "<dictionary>" and not any(sub["key"] == "ANY" for sub in key.get("subkeys", ())):
                check(value[name], key.get("subkeys", []), f"{where}.{name}")


@pytest.mark.parametrize("more", [{}, {"locked": True}, {"macos": True}], ids=["plain", "locked", "macOS"])
def test_every_key_is_one_that_apple_publishes(
    authority: tuple[bytes, bytes], large_data: Callable[[str], Path], more: dict[str, bool]
) -> None:
    for kind, payload in payloads(whole(authority[0], **more)).items():
        described = YAML(typ="safe").load(large_data(f"data/apple_payloads/{kind}.yaml"))
        assert set(payload) >= COMMON
        body = {name: value for name, value in payload.items() if name not in COMMON}
        check(body, described["payloadkeys"], kind)


def test_the_tunnel_is_wireguards_and_always_wanted() -> None:
    tunnel = payloads(AppleProfile(**DEVICE, tunnel="[Interface]\n"))["com.apple.vpn.managed"]
    assert tunnel["VPNSubType"] == "com.wireguard.ios"
    assert tunnel["VendorConfig"] == {"WgQuickConfig": "[Interface]\n"}
    assert tunnel["VPN"]["OnDemandRules"] == [{"Action": "Connect"}]


def test_the_certificate_is_whole(authority: tuple[bytes, bytes]) -> None:
    root = payloads(AppleProfile(**DEVICE, authority=authority[0]))["com.apple.security.root"]
    assert root["PayloadContent"] == ssl.PEM_cert_to_DER_cert(authority[0].decode())


def test_dns_by_tls_and_a_proxy_by_pac() -> None:
    profile = AppleProfile(**DEVICE, dns=DnsChoice(name="t.dns.example"), proxy=ProxyChoice(pac="https://x/p.pac"))
    found = payloads(profile)
    assert found["com.apple.dnsSettings.managed"]["DNSSettings"] == {
        "DNSProtocol": "TLS",
        "ServerName": "t.dns.example",
    }
    assert found["com.apple.proxy.http.global"]["ProxyPACURL"] == "https://x/p.pac"
    assert found["com.apple.proxy.http.global"]["ProxyPACFallbackAllowed"] is False


def test_a_profile_made_again_replaces_the_earlier_one() -> None:
    once, again = (profile_of(AppleProfile(**DEVICE, tunnel=text)) for text in ("a", "b"))
    assert plistlib.loads(once)["PayloadUUID"] == plistlib.loads(again)["PayloadUUID"]
    assert plistlib.loads(once)["PayloadIdentifier"] == plistlib.loads(again)["PayloadIdentifier"]


def test_an_empty_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one of"):
        profile_of(AppleProfile(**DEVICE))


def test_a_signed_profile_is_verified_by_openssl(tmp_path: Path, authority: tuple[bytes, bytes]) -> None:
    certificate, key = authority
    plain = profile_of(whole(certificate))
    (tmp_path / "p").write_bytes(signed(plain, certificate, load_pem_private_key(key, None)))  # type: ignore[arg-type]
    (tmp_path / "ca").write_bytes(certificate)
    told = subprocess.run(
        ["openssl", "smime", "-verify", "-inform", "der", "-purpose", "any", "-in", tmp_path / "p",
         "-CAfile", tmp_path / "ca"],
        capture_output=True, timeout=30,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert told.stdout == plain
