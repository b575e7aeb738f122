"""Ask an upstream over HTTPS: one kept HTTP/2 connection, a POST for each question (RFC 8484)."""

from __future__ import annotations

import contextlib
import ssl

from proxy.dns.bootstrap import Bootstrap
from proxy.dns.endpoint import Endpoint
from proxy.dns.exchange import Asking
from proxy.dns.h2_stream import Http2Connection
from proxy.dns.kept import Kept
from proxy.dns.records import BadReplyError


class HttpsUpstream:
    """Hold at most one connection to an upstream, opened when first needed."""

    def __init__(self, endpoint: Endpoint, tls: ssl.SSLContext, bootstrap: Bootstrap) -> None:
        tls.set_alpn_protocols(["h2"])
        self._endpoint = endpoint
        self._tls = tls
        self._bootstrap = bootstrap
        self._kept = Kept(self._open)

    async def ask(self, asking: Asking) -> bytes:
        """Return the answer's packet. Raises OSError or BadReplyError; the caller limits the time.

        A kept connection may have been closed by its peer unseen: the question is then asked once more on a new one.
        """
        kept = self._kept.current
        if kept is not None and kept.takes():
            with contextlib.suppress(ConnectionError):
                return _checked(asking, await kept.ask(asking.packet))
        connection = await self._kept.fitting(Http2Connection.takes)
        return _checked(asking, await connection.ask(asking.packet))

    async def _open(self) -> Http2Connection:
        where = self._endpoint
        reader, writer = await self._bootstrap.connect(where, self._tls)
        if writer.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            writer.close()
            raise ConnectionError("the server does not speak HTTP/2")
        name = f"[{where.server_name}]" if ":" in where.server_name else where.server_name
        headers = {
            ":method": "POST",
            ":scheme": "https",
            ":authority": name if where.port == 443 else f"{name}:{where.port}",
            ":path": where.path,
            "content-type": "application/dns-message",
            "accept": "application/dns-message",
        }
        return Http2Connection(reader, writer, headers.items())

    def retire(self) -> None:
        """Let the connection end when what it carries is answered."""
        self._kept.retire()

    async def close(self) -> None:
        """End the connection."""
        await self._kept.close()


def _checked(asking: Asking, packet: bytes) -> bytes:
    if not asking.belongs(packet):
        raise BadReplyError("an answer to another question")
    return packet
