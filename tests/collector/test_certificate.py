"""The collector's certificate: shown, taken up when it is renewed, and what is wrong with a file."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from collector import certificate
from collector.certificate import ShownCertificate
from collector.service import CollectorService
from tests.support.authority import make_certificate
from tests.support.shown_certificate import shown


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    chain, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_certificate(chain, key, "one.example")
    return chain, key


def renew(*files: Path, name: str = "two.example") -> None:
    """Put a new pair there, by rename as certbot does."""
    fresh = [file.with_suffix(".new") for file in files]
    make_certificate(fresh[0], fresh[1], name)
    for new, old in zip(fresh, files, strict=True):
        new.replace(old)


async def test_a_renewed_certificate_is_shown_without_a_restart(collector_settings, files, monkeypatch):
    monkeypatch.setattr(certificate, "_LOOK_EVERY", 0.01)
    settings = replace(collector_settings, certificate=files[0], certificate_key=files[1])
    async with CollectorService(settings) as service:
        assert service.url.startswith("https://")
        assert await shown(service.port) == "one.example"
        renew(*files)
        async with asyncio.timeout(30):
            while await shown(service.port) != "two.example":
                await asyncio.sleep(0.01)


async def test_half_a_renewal_changes_nothing(files, caplog):
    held = ShownCertificate(*files)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=held.context)
    port = server.sockets[0].getsockname()[1]
    assert not held.refresh()
    kept = files[1].with_suffix(".kept")
    shutil.copy(files[1], kept)
    renew(*files)
    fresh = files[1].read_bytes()
    kept.replace(files[1])
    assert not held.refresh()
    assert "is not the key of" in caplog.text
    assert await shown(port) == "one.example"
    files[1].unlink()
    assert not held.refresh()
    assert await shown(port) == "one.example"
    files[1].write_bytes(fresh)
    assert held.refresh()
    assert await shown(port) == "two.example"
    server.close()
    await server.wait_closed()


def encrypted(chain: Path, key: Path) -> None:
    secret = serialization.load_pem_private_key(key.read_bytes(), None)
    how = serialization.BestAvailableEncryption(b"secret")
    form = serialization.PrivateFormat.PKCS8
    key.write_bytes(secret.private_bytes(serialization.Encoding.PEM, form, how))


WRONG = {
    "no certificate": (lambda chain, _: chain.unlink(), "tls.cert: {chain}: No such file"),
    "no key": (lambda _, key: key.unlink(), "tls.key: {key}: No such file"),
    "junk for a certificate": (lambda chain, _: chain.write_text("x"), "tls.cert: {chain}: expected a certificate"),
    "junk for a key": (lambda _, key: key.write_text("x"), "tls.key: {key}: expected the certificate's key"),
    "another key": (
        lambda chain, key: make_certificate(chain.with_suffix(".x"), key, "x.example"),
        "tls.key: {key}: is not the key of {chain}",
    ),
    "an encrypted key": (encrypted, "tls.key: {key}: is encrypted; expected a key without a passphrase"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_names_the_file_and_what_is_expected(files, name):
    spoil, said = WRONG[name]
    chain, key = files
    spoil(chain, key)
    with pytest.raises(OSError, match="collector") as raised:
        ShownCertificate(chain, key)
    assert f"collector.{said.format(chain=chain, key=key)}" in str(raised.value)


def test_what_we_cannot_explain_is_said_as_it_was(files, monkeypatch):
    monkeypatch.setattr(certificate, "_never", None)
    monkeypatch.setattr(certificate, "_wrong", lambda chain, key: "")
    files[1].write_text("x")
    with pytest.raises(OSError, match=f"collector.tls: {files[0]} and {files[1]}: "):
        ShownCertificate(*files)
