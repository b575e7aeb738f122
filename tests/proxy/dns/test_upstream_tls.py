"""Asking an upstream over TLS: its certificate must be trusted and speak of the right name, or nothing is asked."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from dnslib import RCODE

from tests.support.resolver import addresses, extended_errors, running
from tests.support.upstream import FakeUpstream


def certificate(folder: Path, *names: x509.GeneralName) -> Path:
    """Write a certificate that signs itself, with its key, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a resolver")])
    now = datetime.now(UTC)
    signs = x509.KeyUsage(True, False, False, False, False, True, False, False, False)
    made = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(signs, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "resolver.pem"
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none) + made.public_bytes(pem))
    return path


@pytest.mark.parametrize(
    ("name", "suffix", "trusted", "asked"),
    [
        (x509.IPAddress(ip_address("127.0.0.1")), "", True, True),
        (x509.DNSName("dns.example"), "#dns.example", True, True),
        (x509.DNSName("dns.example"), "", True, False),
        (x509.DNSName("dns.example"), "#other.example", True, False),
        (x509.DNSName("dns.example"), "#dns.example", False, False),
    ],
)
async def test_an_upstream_over_tls(
    tmp_path: Path,
    upstream: FakeUpstream,
    monkeypatch: pytest.MonkeyPatch,
    name: x509.GeneralName,
    suffix: str,
    trusted: bool,
    asked: bool,
) -> None:
    path = certificate(tmp_path, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    port = await upstream.serve_tls(context)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with running(tmp_path, {"upstreams": [f"tls://127.0.0.1:{port}{suffix}"]}) as resolver:
        for kind in ("A", "AAAA"):
            found = await resolver.ask("good.example", kind, edns=1232)
            if asked:
                assert addresses(found) == [{"A": "192.0.2.10", "AAAA": "2001:db8::10"}[kind]]
            else:
                assert found.header.rcode == RCODE.SERVFAIL
                assert extended_errors(found)[0][0] == 23
    assert [one.transport for one in upstream.asked] == (["tcp", "tcp"] if asked else [])
    assert len({one.port for one in upstream.asked}) == (1 if asked else 0)
