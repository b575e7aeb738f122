"""Look at the certificate that a server shows to a new connection."""

from __future__ import annotations

import asyncio
import ssl

from cryptography import x509


async def shown(port: int, server_name: str | None = None) -> str:
    """Return the name in the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with asyncio.timeout(20):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=server_name)
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
    names = x509.load_der_x509_certificate(found).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return names.value.get_values_for_type(x509.DNSName)[0]
