"""A name that DNS answers with the page's address, in a real gateway: the page comes, over HTTP and HTTPS, and ends."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import dns.asyncquery
import dns.message
import pytest

from tests.support.gateway import CONFIG, RunningGateway, running_gateway, wait_for

PAGES = CONFIG.replace("upstreams:", "blocked_answer: page, page_address: [127.0.0.1], upstreams:") + (
    "pages: {{http_port: 0, https_port: 0}}\nindicators: [{{block: evil.test}}, {{warn: dubious.test}}]\n"
)


async def _ask(gateway: RunningGateway, scheme: str, host: str, path: str = "/") -> tuple[bytes, bytes]:
    """Fetch a page at the page's address as a browser does that was sent there; return head and body."""
    where, _, port = gateway.endpoints[f"page_{scheme}"].rpartition(":")
    tls = ssl.create_default_context(cafile=gateway.endpoints["ca"]) if scheme == "https" else None
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(where, int(port), ssl=tls, server_hostname=host if tls else None)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


async def test_a_blocked_name_ends_at_the_page_whatever_the_scheme(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, config=PAGES) as gateway:
        where, _, port = gateway.endpoints["dns"].rpartition(":")
        answer = await dns.asyncquery.udp(dns.message.make_query("evil.test", "A"), where, port=int(port), timeout=5)
        assert [str(record) for found in answer.answer for record in found] == ["127.0.0.1"]
        for scheme in ("http", "https"):
            head, body = await _ask(gateway, scheme, "evil.test")
            assert head.startswith(b"HTTP/1.1 403"), (scheme, head)
            assert b"evil.test" in body
            assert b"This site is blocked" in body
        head, body = await _ask(gateway, "https", "dubious.test", "/some?page")
        assert head.startswith(b"HTTP/1.1 403")
        assert b"/.seawall/continue" in body  # the form comes back to this same place
        assert await wait_for(lambda: _alerts(gateway))


async def _alerts(gateway: RunningGateway) -> bool:
    found = (await gateway.api("/api/alerts"))["value"]
    return any("evil.test" in str(alert) for alert in found)


async def test_without_our_ca_the_handshake_is_refused_the_second_time(tmp_path: Path) -> None:
    """A device that does not trust the CA is told by TLS itself: alert access_denied, not a certificate error again."""
    async with running_gateway(tmp_path, config=PAGES) as gateway:
        where, _, port = gateway.endpoints["page_https"].rpartition(":")
        stranger = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(where, int(port), ssl=stranger, server_hostname="evil.test")

        async def refused() -> bool:
            try:
                await asyncio.open_connection(where, int(port), ssl=stranger, server_hostname="evil.test")
            except ssl.SSLCertVerificationError:
                return False  # the first refusal is still on its way
            except ssl.SSLError as problem:
                return "ACCESS_DENIED" in str(problem)
            return False

        assert await wait_for(refused)
