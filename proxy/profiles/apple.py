"""A configuration profile for iOS, iPadOS and macOS: the CA, a WireGuard tunnel, encrypted DNS, a proxy.

Keys are Apple's (device-management repository); the WireGuard payload is that of wireguard-apple's MOBILECONFIG.md.
Identifiers are derived from the device, so that a profile installed again replaces the earlier one.
"""

from __future__ import annotations

import plistlib
import ssl
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

MEDIA_TYPE = "application/x-apple-aspen-config"
_PREFIX = "org.seawall"


@dataclass(frozen=True, slots=True)
class DnsChoice:
    """Say how a device asks for names outside a tunnel: by HTTPS at `url`, or by TLS at `name`; one of them."""

    url: str = ""
    name: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProxyChoice:
    """Say which proxy a supervised device uses everywhere: an address with credentials, or a PAC file."""

    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    pac: str = ""


@dataclass(frozen=True, slots=True)
class AppleProfile:
    """Hold what goes into a profile; what is empty is left out. `tunnel` is a WireGuard configuration's text.

    `macos` chooses the app that the tunnel is for. `authority` is the CA certificate (PEM).
    """

    device_id: str
    device_name: str
    authority: bytes = b""
    tunnel: str = ""
    dns: DnsChoice | None = None
    proxy: ProxyChoice | None = None
    macos: bool = False
    locked: bool = False


def profile_of(wanted: AppleProfile) -> bytes:
    """Return the profile as a property list. Raises ValueError when there is nothing in it."""
    payloads = [
        *([_certificate(wanted)] if wanted.authority else []),
        *([_tunnel(wanted)] if wanted.tunnel else []),
        *([_dns(wanted, wanted.dns)] if wanted.dns else []),
        *([_proxy(wanted, wanted.proxy)] if wanted.proxy else []),
    ]
    if not payloads:
        raise ValueError("a profile holds at least one of: the CA, a tunnel, DNS, a proxy")
    whole = {
        **_head(wanted, "Configuration", "profile", f"Seawall for {wanted.device_name}"),
        "PayloadOrganization": "Seawall",
        "PayloadDescription": "Routes this device through your Seawall gateway.",
        "PayloadRemovalDisallowed": wanted.locked,
        "PayloadContent": payloads,
    }
    return plistlib.dumps(whole)


def signed(profile: bytes, chain: bytes, key: RSAPrivateKey | EllipticCurvePrivateKey) -> bytes:
    """Return the profile in a CMS signature, DER; `chain` are certificates (PEM), the signer's first."""
    first, *others = x509.load_pem_x509_certificates(chain)
    builder = PKCS7SignatureBuilder().set_data(profile).add_signer(first, key, SHA256())
    for certificate in others:
        builder = builder.add_certificate(certificate)
    return builder.sign(Encoding.DER, [PKCS7Options.Binary])


def _head(wanted: AppleProfile, kind: str, part: str, name: str) -> dict[str, Any]:
    identifier = f"{_PREFIX}.{wanted.device_id}.{part}"
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": str(uuid5(NAMESPACE_URL, identifier)).upper(),
        "PayloadDisplayName": name,
    }


def _certificate(wanted: AppleProfile) -> dict[str, Any]:
    return {
        **_head(wanted, "com.apple.security.root", "ca", "Seawall CA"),
        "PayloadCertificateFileName": "seawall-ca.cer",
        "PayloadContent": ssl.PEM_cert_to_DER_cert(wanted.authority.decode("ascii")),
    }


def _tunnel(wanted: AppleProfile) -> dict[str, Any]:
    """Return the tunnel, connected on demand for every connection: iOS has no other always-on for WireGuard."""
    app = "com.wireguard.macos" if wanted.macos else "com.wireguard.ios"
    return {
        **_head(wanted, "com.apple.vpn.managed", "tunnel", "VPN"),
        "UserDefinedName": "Seawall",
        "VPNType": "VPN",
        "VPNSubType": app,
        "VendorConfig": {"WgQuickConfig": wanted.tunnel},
        "VPN": {
            "RemoteAddress": "Seawall",
            "AuthenticationMethod": "Password",
            "ProviderType": "packet-tunnel",
            "ProviderBundleIdentifier": f"{app}.network-extension",
            "OnDemandEnabled": 1,
            "OnDemandRules": [{"Action": "Connect"}],
            **({"OnDemandUserOverrideDisabled": 1} if wanted.locked else {}),
        },
    }


def _dns(wanted: AppleProfile, dns: DnsChoice) -> dict[str, Any]:
    by_https = {"DNSProtocol": "HTTPS", "ServerURL": dns.url}
    by_tls = {"DNSProtocol": "TLS", "ServerName": dns.name}
    settings = {
        **(by_https if dns.url else by_tls),
        **({"ServerAddresses": list(dns.addresses)} if dns.addresses else {}),
    }
    return {
        **_head(wanted, "com.apple.dnsSettings.managed", "dns", "Seawall DNS"),
        "DNSSettings": settings,
        **({"ProhibitDisablement": True} if wanted.locked else {}),
    }


def _proxy(wanted: AppleProfile, proxy: ProxyChoice) -> dict[str, Any]:
    manual = {
        "ProxyType": "Manual",
        "ProxyServer": proxy.host,
        "ProxyServerPort": proxy.port,
        **({"ProxyUsername": proxy.user, "ProxyPassword": proxy.password} if proxy.user else {}),
    }
    automatic = {"ProxyType": "Auto", "ProxyPACURL": proxy.pac, "ProxyPACFallbackAllowed": False}
    return {
        **_head(wanted, "com.apple.proxy.http.global", "proxy", "Seawall proxy"),
        **(automatic if proxy.pac else manual),
        "ProxyCaptiveLoginAllowed": True,
    }
