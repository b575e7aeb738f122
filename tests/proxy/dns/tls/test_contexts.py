"""A certificate that is renewed: shown to new connections, and never half."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from cryptography import x509

from proxy.dns.tls.contexts import Certificate
from tests.support.authority import make_certificate


async def shown(port: int) -> str:
    """Return the name in the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with asyncio.timeout(20):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
    names = x509.load_der_x509_certificate(found).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return names.value.get_values_for_type(x509.DNSName)[0]


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
