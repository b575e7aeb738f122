from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from mitmproxy.certs import CertStore

from proxy import ca
from proxy.state import StateDir

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


def extension[T: x509.ExtensionType](found: ca.Authority, kind: type[T]) -> T:
    return found.certificate.extensions.get_extension_for_class(kind).value


def test_a_new_ca_names_its_machine_and_signs_only_leaves_for_two_years(state: StateDir) -> None:
    found = ca.load_or_create(state, NOW, "workshop")
    assert found.name == "Seawall CA on workshop"
    assert extension(found, x509.BasicConstraints).path_length == 0
    assert extension(found, x509.KeyUsage).key_cert_sign
    assert NOW + timedelta(days=728) < found.expires <= NOW + timedelta(days=730)
    assert found.certificate.not_valid_before_utc < NOW
    key = found.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)


def test_the_key_is_ours_alone_and_the_published_file_holds_none(state: StateDir) -> None:
    found = ca.load_or_create(state, NOW)
    assert ca.key_file(state).stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" in ca.key_file(state).read_bytes()
    assert found.path == state.ca_certificate
    assert b"PRIVATE" not in state.ca_certificate.read_bytes()
    assert b"PRIVATE" not in found.encoded("pem") + found.encoded("der")
    assert x509.load_der_x509_certificate(found.encoded("der")) == found.certificate


def test_mitmproxy_reads_it_and_signs_p256_leaves_with_it(state: StateDir) -> None:
    found = ca.load_or_create(state, NOW)
    store = CertStore.from_store(state.ca_dir, "mitmproxy", 2048)
    leaf = store.get_cert("a.test", [x509.DNSName("a.test")]).cert.to_cryptography()
    leaf.verify_directly_issued_by(found.certificate)
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)


def test_it_stays_the_same_until_rotated(state: StateDir) -> None:
    first = ca.load_or_create(state, NOW)
    assert ca.load_or_create(state, NOW).fingerprint() == first.fingerprint()
    second = ca.rotate(state, NOW)
    assert second.fingerprint() != first.fingerprint()
    assert ca.load(state, NOW).fingerprint() == second.fingerprint()
    assert x509.load_pem_x509_certificate(state.ca_certificate.read_bytes()) == second.certificate
    assert ca.key_file(state).stat().st_mode & 0o777 == 0o600


def test_processes_that_start_at_once_end_with_one_ca(state: StateDir) -> None:
    state.prepare()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ca.load_or_create(state, NOW).fingerprint(), range(16)))
    assert len(set(found)) == 1
    assert {path.name for path in state.ca_dir.iterdir()} == {"mitmproxy-ca.pem", "mitmproxy-ca-cert.pem"}


def readable_by_others(state: StateDir) -> None:
    ca.key_file(state).chmod(0o640)


def a_link(state: StateDir) -> None:
    elsewhere = state.root / "elsewhere.pem"
    ca.key_file(state).rename(elsewhere)
    ca.key_file(state).symlink_to(elsewhere)


def rubbish(state: StateDir) -> None:
    ca.key_file(state).write_text("not a key")


def another_key(state: StateDir) -> None:
    path = ca.key_file(state)
    certificate = path.read_bytes().partition(b"-----BEGIN CERTIFICATE")[1:]
    key = ca.rotate(state, NOW) and path.read_bytes().partition(b"-----BEGIN CERTIFICATE")[0]
    path.write_bytes(key + b"".join(certificate))


@pytest.mark.parametrize(
    ("spoil", "error", "reason"),
    [
        (readable_by_others, PermissionError, "others can read"),
        (a_link, OSError, "symbolic links"),
        (rubbish, ValueError, "not a key with its certificate"),
        (another_key, ValueError, "do not belong together"),
    ],
)
def test_a_key_that_cannot_be_relied_on_is_refused(state: StateDir, spoil, error, reason) -> None:
    ca.load_or_create(state, NOW)
    spoil(state)
    with pytest.raises(error, match=reason):
        ca.load_or_create(state, NOW)


def test_an_expired_ca_is_refused_and_says_what_to_do(state: StateDir) -> None:
    ca.load_or_create(state, NOW)
    with pytest.raises(ValueError, match=r"expired on 2028-11-2\d.*seawall ca rotate"):
        ca.load_or_create(state, NOW + timedelta(days=731))


def test_a_lost_certificate_file_is_written_again(state: StateDir) -> None:
    found = ca.load_or_create(state, NOW)
    state.ca_certificate.unlink()
    ca.load(state, NOW)
    assert state.ca_certificate.read_bytes() == found.encoded()


def test_uninstall_removes_both_and_says_whether_there_were_any(state: StateDir) -> None:
    ca.load_or_create(state, NOW)
    assert ca.uninstall(state)
    assert not list(state.ca_dir.iterdir())
    assert not ca.uninstall(state)
    with pytest.raises(FileNotFoundError):
        ca.load(state, NOW)


def test_a_long_machine_name_still_makes_a_valid_subject(state: StateDir) -> None:
    assert len(ca.load_or_create(state, NOW, "x" * 80).name) == 64
