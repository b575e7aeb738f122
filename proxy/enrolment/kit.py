"""Everything that one device is handed, as files and lines. Composed from values; nothing is written or asked here.

Apple installs a profile again over the one with the same identifier, so each purpose has a profile of its own name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from proxy.devices.credentials import NewCredentials
from proxy.enrolment.emulator import commands
from proxy.enrolment.places import Places
from proxy.profiles import apple, qr, wireguard
from proxy.profiles.apple import AppleProfile, DnsChoice, ProxyChoice

CONF_TYPE = "text/plain"
CA_TYPE = "application/x-x509-ca-cert"
CA_NAME = "seawall-ca.crt"


@dataclass(frozen=True, slots=True)
class Signer:
    """Hold what profiles are signed with: certificates (PEM, the signer's first) and its key."""

    chain: bytes
    key: RSAPrivateKey | EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Hold what is known of one enrolment. `with_dns` puts DNS settings beside the tunnel: for when it is off."""

    device_id: str
    name: str
    given: NewCredentials
    places: Places
    authority: bytes
    tunnel: wireguard.TunnelProfile | None = None
    signer: Signer | None = None
    with_dns: bool = False
    locked: bool = False

    @property
    def short(self) -> str:
        """Return the name for files: what Android and Linux take as the name of a tunnel."""
        return wireguard.tunnel_name(self.name)

    @property
    def conf(self) -> str:
        """Return the tunnel's configuration; empty where there is no tunnel."""
        return wireguard.text_of(self.tunnel) if self.tunnel else ""


@dataclass(frozen=True, slots=True)
class HandedFile:
    """Hold one file: how it is named, its content, its media type, and what it is for."""

    name: str
    body: bytes
    media: str
    purpose: str


def files_of(one: Enrolment) -> list[HandedFile]:
    """Return the files of an enrolment, those that most devices want first."""
    found = [HandedFile(CA_NAME, one.authority, CA_TYPE, "the CA certificate")]
    if one.tunnel:
        conf = one.conf.encode()
        found.append(HandedFile(f"{one.short}.conf", conf, CONF_TYPE, "WireGuard: Android, Linux, Windows"))
    for name, profile, purpose in _profiles(one):
        body = apple.profile_of(profile)
        if one.signer:
            body = apple.signed(body, one.signer.chain, one.signer.key)
        found.append(HandedFile(f"{one.short}-{name}.mobileconfig", body, apple.MEDIA_TYPE, purpose))
    return found


def uses_of(one: Enrolment) -> dict[str, str]:
    """Return what is typed into a device, by a word for each."""
    places, given = one.places, one.given
    uses = {"proxy": f"http://{given.user}:{given.password}@{places.proxy}", "pac": places.pac}
    uses |= {name: found for name, found in (("doh", places.doh), ("dot", places.dot)) if found}
    return uses


def emulator_of(one: Enrolment) -> list[str]:
    """Return the commands that put an Android emulator behind the gateway by the ways that this device has."""
    return commands(one.places, f"{one.short}.conf" if one.tunnel else "", CA_NAME)


def qr_of(one: Enrolment) -> str:
    """Return the code that WireGuard's app scans, for a terminal; empty where there is no tunnel."""
    return qr.for_terminal(one.conf) if one.tunnel else ""


def _profiles(one: Enrolment) -> Iterator[tuple[str, AppleProfile, str]]:
    base = AppleProfile(one.device_id, one.name, one.authority, locked=one.locked)
    dns = _dns(one.places)
    if one.tunnel:
        tunnel = replace(base, tunnel=one.conf, dns=dns if one.with_dns else None)
        yield "ios", tunnel, "iOS and iPadOS: CA and tunnel, connected on demand"
        yield "macos", replace(tunnel, macos=True), "macOS: CA and tunnel, connected on demand"
    if dns:
        yield "dns", replace(base, dns=dns), "Apple devices without a tunnel: CA and encrypted DNS"
    proxy = ProxyChoice(one.places.proxy_host, one.places.proxy_port, one.given.user, one.given.password)
    yield "supervised", replace(base, dns=dns, proxy=proxy), "supervised Apple devices: CA and a global proxy"


def _dns(places: Places) -> DnsChoice | None:
    return DnsChoice(url=places.doh, name=places.dot) if places.doh or places.dot else None
