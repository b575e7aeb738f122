"""The certificate by which our own listeners (DNS over TLS and HTTPS) show who they are, signed by our CA.

Made by the supervisor, which may read the CA's key; the process that shows it gets a key of its own, 0600. Renewed a
month before it ends, and when names, addresses or the CA change. Devices that refuse user authorities (Android's
Private DNS) need a publicly trusted one in its place: `dns.tls.cert`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from indicators.observation import Address
from proxy import ca
from proxy.state import StateDir

LIFETIME = timedelta(days=90)
RENEW_BEFORE = timedelta(days=30)
_CLOCK_SKEW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Names:
    """Hold what a certificate speaks of. Each host covers its direct subdomains too: `TOKEN.host` is a device's."""

    hosts: tuple[str, ...]
    addresses: tuple[Address, ...]

    def general(self) -> list[x509.GeneralName]:
        """Return them as a certificate has them."""
        hosts = [name for host in self.hosts for name in (host, f"*.{host}")]
        return [*map(x509.DNSName, hosts), *map(x509.IPAddress, self.addresses)]


def names_for(hosts: Iterable[str], listening_on: Address) -> Names:
    """Return the names of a listener; one on the wildcard address has every address of this machine."""
    if not listening_on.is_unspecified:
        return Names(tuple(dict.fromkeys(hosts)), (listening_on,))
    found = set()
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            try:
                address = ipaddress.ip_address(entry.address)
            except ValueError:
                continue  # a hardware address, or one with a zone, which no certificate can name
            found.add(address)
    return Names(tuple(dict.fromkeys(hosts)), tuple(sorted(found, key=lambda one: (one.version, one.packed))))


def ensure(state: StateDir, names: Names, now: datetime) -> bool:
    """Make the certificate where there is none that will do; say whether one was made.

    Raises what `proxy.ca.load_or_create` raises.
    """
    authority = ca.load_or_create(state, now).certificate
    if _will_do(state.dns_certificate, authority, names, now):
        return False
    ca.write_private(state.dns_certificate, _new(state, authority, names, now))
    return True


def _will_do(path: Path, authority: x509.Certificate, names: Names, now: datetime) -> bool:
    try:
        text = path.read_bytes()
        found = x509.load_pem_x509_certificate(text)
        key = serialization.load_pem_private_key(text, None)
        found.verify_directly_issued_by(authority)
        spoken_of = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound, ca.SIGNATURE_ERROR):
        return False
    fits = key.public_key() == found.public_key() and set(spoken_of) == set(names.general())
    return fits and found.not_valid_before_utc <= now < found.not_valid_after_utc - RENEW_BEFORE


def _new(state: StateDir, authority: x509.Certificate, names: Names, now: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    signing = ca.signing_key(state)
    begins = now.astimezone(UTC) - _CLOCK_SKEW
    ends = min(begins + LIFETIME + _CLOCK_SKEW, authority.not_valid_after_utc)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names.hosts[0][:64])]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names.general()), critical=False)
        .add_extension(issuer, critical=False)
        .sign(signing, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
