"""A certificate that is renewed: shown to new connections, and never half."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from proxy.dns.tls.contexts import Certificate, ServerNames
from tests.support.authority import make_certificate
from tests.support.shown_certificate import shown


async def test_while_one_of_two_files_is_renewed_the_old_pair_is_shown(tmp_path: Path, caplog):
    chain, key, fresh = (tmp_path / name for name in ("c.pem", "k.pem", "new.pem"))
    make_certificate(chain, key, "one.example")
    held = Certificate(chain, key)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=held.context(["dot"]))
    port = server.sockets[0].getsockname()[1]
    assert not held.refresh()
    make_certificate(chain, fresh, "two.example")
    assert not held.refresh()
    assert "read before stays in use" in caplog.text
    assert await shown(port) == "one.example"
    fresh.replace(key)
    assert held.refresh()
    assert await shown(port) == "two.example"
    server.close()
    await server.wait_closed()


async def test_a_renewed_key_of_another_type_takes_the_place_of_the_old_one(tmp_path: Path):
    """OpenSSL keeps a pair of each type in one context, and would go on showing the old one to most clients."""
    chain, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_certificate(chain, key, "one.example")
    held = Certificate(chain, key)
    context = held.context(["dot"])
    names = ServerNames(context, lambda name: name == "refused.example")
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    make_certificate(chain, key, "two.example", made=rsa.generate_private_key(65537, 2048))
    assert held.refresh()
    assert [await shown(port), await shown(port, "phone.example")] == ["two.example"] * 2
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await shown(port, "refused.example")
    assert names.of(None) == ""
    server.close()
    await server.wait_closed()


def test_a_key_with_a_passphrase_is_an_error_and_no_prompt(tmp_path: Path):
    chain, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_certificate(chain, key, "one.example")
    locked = BestAvailableEncryption(b"secret")
    read = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(read.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    with pytest.raises(ValueError, match=r"dns\.tls: .*k\.pem.*passphrase"):
        Certificate(chain, key).context(["dot"])
