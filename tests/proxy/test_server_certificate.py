"""The certificate of our own listeners: what it speaks of, when it is made anew, and that clients take it."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import PolicyBuilder, Store

from proxy import ca, server_certificate
from proxy.config.model import Config
from proxy.server_certificate import LIFETIME, RENEW_BEFORE, Names, ensure, names_for
from proxy.state import StateDir
from proxy.supervisor.dns_certificate import DnsCertificate

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = Names(("dns.test", "seawall.internal"), (ip_address("127.0.0.1"), ip_address("::1")))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    found = StateDir(tmp_path / "s")
    found.prepare()
    return found


def shown(state: StateDir) -> x509.Certificate:
    return x509.load_pem_x509_certificate(state.dns_certificate.read_bytes())


@pytest.mark.parametrize(
    "subject",
    [
        x509.DNSName("dns.test"),
        x509.DNSName("abc.dns.test"),
        x509.DNSName("seawall.internal"),
        x509.IPAddress(ip_address("127.0.0.1")),
        x509.IPAddress(ip_address("::1")),
    ],
    ids=str,
)
def test_a_client_with_our_ca_takes_it(state: StateDir, subject: x509.DNSName | x509.IPAddress) -> None:
    assert ensure(state, NAMES, NOW)
    authority = ca.load(state, NOW).certificate
    verifier = PolicyBuilder().store(Store([authority])).time(NOW).build_server_verifier(subject)
    assert verifier.verify(shown(state), [])[0].subject == shown(state).subject


def test_it_is_private_and_lasts_three_months(state: StateDir) -> None:
    ensure(state, NAMES, NOW)
    assert stat.S_IMODE(state.dns_certificate.stat().st_mode) == 0o600
    assert shown(state).not_valid_after_utc - NOW == LIFETIME
    assert ca.key_file(state).read_bytes().split(b"-----BEGIN CERT")[0] not in state.dns_certificate.read_bytes()


@pytest.mark.parametrize(
    ("days", "names", "made"),
    [
        (0, NAMES, False),
        (59, NAMES, False),
        (61, NAMES, True),
        (-2, NAMES, True),
        (1, Names(("other.test", "seawall.internal"), NAMES.addresses), True),
        (1, Names(NAMES.hosts, (ip_address("127.0.0.1"),)), True),
    ],
)
def test_it_is_made_anew_when_it_must_be(state: StateDir, days: int, names: Names, made: bool) -> None:
    assert timedelta(days=60) == LIFETIME - RENEW_BEFORE
    ca.load_or_create(state, NOW - timedelta(days=30))
    ensure(state, NAMES, NOW)
    before = state.dns_certificate.read_bytes()
    assert ensure(state, names, NOW + timedelta(days=days)) is made
    assert (state.dns_certificate.read_bytes() != before) is made


def test_another_ca_means_another_certificate(state: StateDir) -> None:
    ensure(state, NAMES, NOW)
    ca.rotate(state, NOW)
    assert ensure(state, NAMES, NOW)
    shown(state).verify_directly_issued_by(ca.load(state, NOW).certificate)


@pytest.mark.parametrize(
    "damage", ["", "not a certificate", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"]
)
def test_a_damaged_file_is_replaced(state: StateDir, damage: str) -> None:
    ensure(state, NAMES, NOW)
    state.dns_certificate.write_text(damage)
    assert ensure(state, NAMES, NOW)
    assert shown(state)


def test_it_does_not_outlive_the_ca(state: StateDir) -> None:
    authority = ca.load_or_create(state, NOW).certificate
    ensure(state, NAMES, authority.not_valid_after_utc - timedelta(days=40))
    assert shown(state).not_valid_after_utc == authority.not_valid_after_utc


def test_only_our_own_kind_of_key_signs(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    ca.load_or_create(state, NOW)
    other = rsa.generate_private_key(65537, 2048)
    monkeypatch.setattr(ca.serialization, "load_pem_private_key", lambda *_: other)
    with pytest.raises(ValueError, match="not an elliptic-curve key"):
        ca.signing_key(state)


def test_a_wildcard_listener_has_every_address_of_this_machine() -> None:
    found = names_for(("a.test", "a.test"), ip_address("0.0.0.0"))
    assert found.hosts == ("a.test",)
    assert ip_address("127.0.0.1") in found.addresses
    assert names_for(("a.test",), ip_address("192.0.2.1")).addresses == (ip_address("192.0.2.1"),)


@pytest.mark.parametrize(
    ("dns", "made"),
    [
        ({}, False),
        ({"tls_port": 0}, True),
        ({"https_port": 0}, True),
        ({"https_port": 0, "tls": {"cert": "own.pem"}}, False),
    ],
)
async def test_it_is_made_where_it_is_needed(
    state: StateDir, dns: dict[str, object], made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config.model_validate({"dns": dns})
    DnsCertificate(config, state, lambda: NOW).ensure()
    assert state.dns_certificate.exists() is made


async def test_it_is_looked_at_again(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setattr("proxy.supervisor.dns_certificate._LOOK_EVERY", 0.001)
    now = [NOW]
    ca.load_or_create(state, NOW)
    kept = DnsCertificate(Config.model_validate({"dns": {"tls_port": 0}}), state, lambda: now[0])
    kept.ensure()
    first = shown(state)
    following = asyncio.create_task(kept.follow())
    now[0] += timedelta(days=70)
    async with asyncio.timeout(10):
        while shown(state) == first:
            await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert server_certificate.ensure(state, names_for(("seawall.internal",), ip_address("127.0.0.1")), now[0]) is False
