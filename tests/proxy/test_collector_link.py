"""The token and the trust with which a gateway meets its collector."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from proxy.collector_link import link_of, trust_of
from proxy.config.sections.collector import CollectorConfig, CollectorTlsConfig
from proxy.secrets import load_or_create
from proxy.state import StateDir
from tests.support.authority import make_certificate


@pytest.fixture
def secrets(tmp_path: Path):
    state = StateDir(tmp_path / "state")
    state.prepare()
    return load_or_create(state)


def _file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_our_own_collector_gets_our_own_token_and_only_its_certificate_is_trusted(tmp_path, secrets):
    assert link_of(CollectorConfig(), secrets, "http://x").token == secrets.gateway_token
    assert link_of(CollectorConfig(), secrets, "http://x").trust is None
    make_certificate(tmp_path / "c.pem", tmp_path / "c.key", "localhost")
    trust = trust_of(CollectorConfig(tls=CollectorTlsConfig(cert=tmp_path / "c.pem", key=tmp_path / "c.key")))
    assert trust is not None
    assert (trust.verify_mode, trust.check_hostname) == (ssl.CERT_REQUIRED, False)
    assert trust.cert_store_stats()["x509"] == 1


def test_a_collector_elsewhere_gets_the_token_of_the_file(tmp_path, secrets):
    file = _file(tmp_path / "token", "swg_0123456789abcdef\n")
    settings = CollectorConfig(url="https://c.example", token_file=file)
    assert link_of(settings, secrets, settings.url).token == "swg_0123456789abcdef"
    assert trust_of(settings) is None, "the usual authorities"
    make_certificate(tmp_path / "ca.pem", tmp_path / "ca.key", "c.example")
    trust = trust_of(CollectorConfig(url="https://c.example", ca=tmp_path / "ca.pem"))
    assert trust is not None
    assert trust.check_hostname


@pytest.mark.parametrize(
    ("text", "mode", "error", "said"),
    [
        ("swg_0123456789abcdef", 0o644, PermissionError, "chmod 600"),
        ("short", 0o600, ValueError, "seawall collector gateway add"),
        ("swg 0123456789abcdef0", 0o600, ValueError, "seawall collector gateway add"),
    ],
)
def test_a_token_file_that_cannot_be_used(tmp_path, secrets, text, mode, error, said):
    settings = CollectorConfig(url="https://c.example", token_file=_file(tmp_path / "token", text, mode))
    with pytest.raises(error, match=said):
        link_of(settings, secrets, settings.url)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tls": {"cert": "c.pem", "key": "c.key"}}, "collector.tls.cert: c.pem: expected a file of certificates"),
        ({"url": "https://c.example", "ca": "c.pem"}, "collector.ca: c.pem: expected a file of certificates"),
    ],
)
@pytest.mark.parametrize("text", ["junk", None])
def test_a_certificate_that_cannot_be_used_names_key_and_file(tmp_path, monkeypatch, settings, said, text):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        _file(tmp_path / "c.pem", text)
    with pytest.raises(OSError, match=said):
        trust_of(CollectorConfig.model_validate(settings))
