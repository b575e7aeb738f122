"""What signs profiles is checked before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proxy import ca
from proxy.enrolment.signing import signer_from
from proxy.state import StateDir


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    state = StateDir(tmp_path / "s")
    return ca.load_or_create(state, datetime.now(UTC)).path, ca.key_file(state)


def test_none_is_needed(pair: tuple[Path, Path]) -> None:
    assert signer_from(None, None) is None
    signer = signer_from(*pair)
    assert signer and signer.chain == pair[0].read_bytes()


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        (lambda c, k, o: (c, None), "both --sign-cert and --sign-key"),
        (lambda c, k, o: (None, k), "both --sign-cert and --sign-key"),
        (lambda c, k, o: (o / "junk", k), "holds no certificate"),
        (lambda c, k, o: (c, o / "junk"), "holds no private key"),
        (lambda c, k, o: (c, o / "ed25519"), "takes an RSA or elliptic-curve key"),
        (lambda c, k, o: (c, o / "other" / "ca" / "mitmproxy-ca.pem"), "is not the key of the first certificate"),
    ],
)
def test_what_does_not_fit_is_said(
    pair: tuple[Path, Path],
    tmp_path: Path,
    chosen: Callable[[Path, Path, Path], tuple[Path | None, Path | None]],
    says: str,
) -> None:
    (tmp_path / "junk").write_text("-----BEGIN NOTHING-----")
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "ed25519").write_bytes(key)
    ca.load_or_create(StateDir(tmp_path / "other"), datetime.now(UTC))
    with pytest.raises(ValueError, match=says):
        signer_from(*chosen(*pair, tmp_path))
