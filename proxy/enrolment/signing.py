"""Read the certificate and key that profiles are signed with. Nothing is signed here."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from proxy.enrolment.kit import Signer


def signer_from(certificate: Path | None, key: Path | None) -> Signer | None:
    """Return the signer; None when neither file is named. Raises ValueError or OSError that says what to change."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ValueError("signing needs both --sign-cert and --sign-key")
    chain = certificate.read_bytes()
    try:
        [first, *_] = x509.load_pem_x509_certificates(chain)
    except ValueError:
        raise ValueError(f"{certificate}: holds no certificate (PEM)") from None
    try:
        found = load_pem_private_key(key.read_bytes(), None)
    except (ValueError, TypeError):
        raise ValueError(f"{key}: holds no private key (PEM, without a password)") from None
    if not isinstance(found, RSAPrivateKey | EllipticCurvePrivateKey):
        raise ValueError(f"{key}: signing takes an RSA or elliptic-curve key")
    if found.public_key() != first.public_key():
        raise ValueError(f"{key}: is not the key of the first certificate in {certificate}")
    return Signer(chain, found)
