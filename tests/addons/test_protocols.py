from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import connection

from addons import protocols
from addons.protocols import Protocols
from tests.addons.conftest import Start
from tests.addons.test_request import BAD_PATH, OverHttp2
from tests.support.browsing import line

BOTH = ["h2", "http/1.1"]


def chosen(opened: Any) -> str | None:
    spoken: str | None = opened.writer.get_extra_info("ssl_object").selected_alpn_protocol()
    return spoken


async def test_a_server_of_http1_gets_clients_of_http1_once_it_is_known(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    gateway.trust()
    url = f"https://mixed.test:{site.https_port}/"
    async with line(url, http=gateway.http, trust=gateway.ca, protocols=BOTH) as opened:
        assert chosen(opened) == "h2"
        client = OverHttp2(opened)
        assert [(await client.ask("/good"))[0] for _ in range(2)] == [200, 200]
    assert site.connections == 1
    async with line(url, http=gateway.http, trust=gateway.ca, protocols=BOTH) as opened:
        assert chosen(opened) == "http/1.1"
        assert [(await opened.ask("/good")).status for _ in range(3)] == [200, 200, 200]
    assert site.connections == 2
    async with line(url, http=gateway.http, trust=gateway.ca, protocols=["h2"]) as opened:
        assert chosen(opened) == "h2"


def hello(host: str, sni: str | None = None, *offers: bytes, ignored: bool = False) -> Any:
    client = connection.Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0)
    server = connection.Server(address=(host, 443) if host else None)
    said = SimpleNamespace(sni=sni, alpn_protocols=list(offers or (b"h2", b"http/1.1")))
    return SimpleNamespace(
        context=SimpleNamespace(client=client, server=server), client_hello=said, ignore_connection=ignored
    )


def shaken(host: str, alpn: bytes | None, *offers: bytes) -> Any:
    conn = connection.Server(address=(host, 443))
    conn.sni, conn.alpn, conn.alpn_offers = host, alpn, offers or (b"h2", b"http/1.1")
    return SimpleNamespace(conn=conn)


def offered(addon: Protocols, data: Any) -> bytes | None:
    addon.tls_clienthello(data)
    spoken: bytes | None = data.context.client.alpn
    return spoken


@pytest.mark.parametrize(
    ("learned", "asked", "expected"),
    [
        (shaken("a.test", b"http/1.1"), hello("a.test"), b"http/1.1"),
        (shaken("a.test", None), hello("192.0.2.1", "a.test"), b"http/1.1"),
        (shaken("a.test", b"h2"), hello("a.test"), None),
        (shaken("a.test", b"http/1.1", b"http/1.1"), hello("a.test"), None),  # it was not offered anything else
        (shaken("a.test", b"http/1.1"), hello("b.test"), None),
        (shaken("a.test", b"http/1.1"), hello("a.test", None, b"h2"), None),
        (shaken("a.test", b"http/1.1"), hello("a.test", ignored=True), None),
        (shaken("a.test", b"http/1.1"), hello(""), None),
    ],
)
def test_what_is_offered_follows_from_what_was_chosen(learned: Any, asked: Any, expected: bytes | None) -> None:
    addon = Protocols(lambda: 0.0)
    addon.tls_established_server(learned)
    assert offered(addon, asked) == expected


def test_a_server_that_learns_http2_is_found_out() -> None:
    now = [0.0]
    addon = Protocols(lambda: now[0])
    addon.tls_established_server(shaken("a.test", b"http/1.1"))
    now[0] = 3601.0
    assert offered(addon, hello("a.test")) is None
    now[0] = 0.0
    addon.tls_established_server(shaken("a.test", b"h2"))
    assert offered(addon, hello("a.test")) is None


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "_REMEMBERED", 2)
    addon = Protocols(lambda: 0.0)
    for host in ("a.test", "b.test", "c.test"):
        addon.tls_established_server(shaken(host, b"http/1.1"))
    assert [offered(addon, hello(host)) for host in ("a.test", "b.test", "c.test")] == [None, b"http/1.1", b"http/1.1"]


def test_the_clients_own_handshake_teaches_nothing() -> None:
    addon = Protocols(lambda: 0.0)
    client = connection.Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0)
    addon.tls_established_server(SimpleNamespace(conn=client))  # type: ignore[arg-type]
    assert offered(addon, hello("127.0.0.1")) is None
