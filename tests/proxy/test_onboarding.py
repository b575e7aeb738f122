"""What the onboarding page offers beside the CA: made for who asks, with nothing secret in it."""

from __future__ import annotations

import plistlib
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from addons.onboarding import POLICY
from proxy import ca
from proxy.config.sections.proxy import ProxyConfig
from proxy.onboarding import for_console, handed_out, proxy_for
from proxy.state import StateDir

CONFIG = ProxyConfig.model_validate({"host": "192.0.2.7", "port": 8123})
PEM = ssl.DER_cert_to_PEM_cert(b"\x30\x00").encode()


@pytest.mark.parametrize(
    ("asked_of", "at_proxy", "elsewhere"),
    [
        ("10.0.2.2:8080", "10.0.2.2:8080", "10.0.2.2:8123"),
        ("10.0.2.2", "10.0.2.2:8123", "10.0.2.2:8123"),
        ("[2001:db8::1]:99", "[2001:db8::1]:99", "[2001:db8::1]:8123"),
        ("10.0.2.2:0", "10.0.2.2:8123", "10.0.2.2:8123"),
        ("10.0.2.2:x;DIRECT", "10.0.2.2:8123", "10.0.2.2:8123"),
        ("seawall.internal", "192.0.2.7:8123", "192.0.2.7:8123"),
        ("evil.test:1", "192.0.2.7:8123", "192.0.2.7:8123"),
        ("'; return 'DIRECT", "192.0.2.7:8123", "192.0.2.7:8123"),
        ("", "192.0.2.7:8123", "192.0.2.7:8123"),
    ],
)
def test_a_pac_file_names_the_address_at_which_it_was_asked_for(asked_of: str, at_proxy: str, elsewhere: str) -> None:
    assert proxy_for(asked_of, CONFIG, at_proxy=True) == at_proxy
    assert proxy_for(asked_of, CONFIG, at_proxy=False) == elsewhere


def test_files_have_the_types_that_make_devices_open_them() -> None:
    made = handed_out(CONFIG, "here", lambda: PEM)
    assert set(made) == {"/proxy.pac", "/wpad.dat", "/ca.mobileconfig"}
    for path in ("/proxy.pac", "/wpad.dat"):
        body, media = made[path]("10.0.2.2:8080")
        assert media == "application/x-ns-proxy-autoconfig"
        assert b'return "PROXY 10.0.2.2:8080"' in body
    body, media = made["/ca.mobileconfig"]("")
    assert media == "application/x-apple-aspen-config"
    [payload] = plistlib.loads(body)["PayloadContent"]
    assert (payload["PayloadType"], payload["PayloadContent"]) == ("com.apple.security.root", b"\x30\x00")


def test_the_console_offers_the_same_beside_a_gateway(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "s")
    authority = ca.load_or_create(state, datetime.now(UTC))
    made = for_console(CONFIG, state, "here")
    html, policy = made.page("Mozilla/5.0 (iPhone)")
    assert policy == POLICY
    assert 'href="/onboarding/ca.mobileconfig"' in html and authority.fingerprint() in html
    assert "behind Seawall" in html and "The gateway knows it as" not in html
    body, media = made.files["proxy.pac"]("10.0.2.2:8088")
    assert (b'"PROXY 10.0.2.2:8123"' in body, media) == (True, "application/x-ns-proxy-autoconfig")
    assert made.files["ca.crt"]("")[0] == authority.encoded()
    assert made.files["ca.cer"]("") == (authority.encoded("der"), "application/pkix-cert")
    assert set(made.files) == {"proxy.pac", "wpad.dat", "ca.mobileconfig", "ca.pem", "ca.crt", "ca.cer", "ca.der"}
