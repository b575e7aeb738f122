"""Who a client is, what it is told when it may not come in, and what is kept from those beyond this machine."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from ipaddress import ip_address, ip_network

import pytest

from proxy.config.sections.proxy import ProxyConfig
from proxy.devices import DeviceDirectory
from proxy.dns.wire import Lookup
from proxy.front.clients import ClientList
from proxy.front.doorway import ProxyHeader
from proxy.front.greetings import GreetingError
from proxy.hand_over import Kind
from tests.proxy.front.test_client_hello import real_hello
from tests.support.front import Bench, asking, echo, front, origin, tunnel, welcomed


def connect(authorization: str = "") -> bytes:
    more = f"Proxy-Authorization: {authorization}\r\n" if authorization else ""
    return f"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test\r\n{more}\r\n".encode()


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "required", "device"),
    [
        (basic("phone:right"), False, "phone"),
        (basic("phone:right"), True, "phone"),
        ("", False, "d1"),
        ("", True, ""),
        (basic("phone:wrong"), False, ""),
        (basic("nobody:right"), True, ""),
    ],
)
async def test_a_password_by_http(authorization: str, required: bool, device: str) -> None:
    async with asyncio.timeout(10), front("http") as bench:
        bench.passwords, bench.wants_password = {"phone": "right"}, required
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(connect(authorization))
        if device:
            given, client = await bench.given.get()
            client.close()
            assert given.device.id == device
        else:
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 407 ")
            assert b"Proxy-Authenticate: Basic" in answer
        writer.close()


@pytest.mark.parametrize(
    "head", [b"GET /proxy.pac HTTP/1.1\r\nHost: 10.0.2.2:8080\r\n\r\n", b"HEAD / HTTP/1.0\r\n\r\n"]
)
async def test_the_pac_file_is_given_without_a_password(head: bytes) -> None:
    async with asyncio.timeout(10), front("http") as bench:
        bench.wants_password = True
        _, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(head)
        given, client = await bench.given.get()
        client.close()
        writer.close()
    assert (given.kind, given.device.id) == (Kind.HTTP, "d1")
    line, _, fields = head.replace(b" /", b" http://seawall.internal/", 1).partition(b"\r\n")
    assert given.data == line + b"\r\nConnection: close\r\n" + fields


@pytest.mark.parametrize(
    ("methods", "password", "required", "replies", "device"),
    [
        (b"\x00\x02", b"right", False, b"\x05\x02\x01\x00", "phone"),
        (b"\x02", b"right", True, b"\x05\x02\x01\x00", "phone"),
        (b"\x02", b"wrong", False, b"\x05\x02\x01\x01", ""),
        (b"\x00", b"", False, b"\x05\x00", "d1"),
        (b"\x00", b"", True, b"\x05\xff", ""),
        (b"\x01", b"", False, b"\x05\xff", ""),
    ],
)
async def test_a_password_by_socks5(
    methods: bytes, password: bytes, required: bool, replies: bytes, device: str
) -> None:
    async with asyncio.timeout(10), front("socks") as bench:
        bench.passwords, bench.wants_password = {"phone": "right"}, required
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(b"\x05" + bytes([len(methods)]) + methods)
        if password:
            writer.write(b"\x01\x05phone" + bytes([len(password)]) + password)
        if device:
            writer.write(asking(bench, "evil.test", 443))
            given, client = await bench.given.get()
            client.close()
            assert (given.kind, given.device.id, given.data) == (Kind.SOCKS, device, asking(bench, "evil.test", 443))
        assert await reader.readexactly(len(replies)) == replies
        writer.close()


async def test_socks4a_is_spliced_and_what_is_stopped_is_handed_over_as_a_tunnel() -> None:
    hello = real_hello("clean.test")
    async with asyncio.timeout(10), front("socks") as bench, origin(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(b"\x04\x01" + port.to_bytes(2) + b"\0\0\0\1me\0clean.test\0")
        assert await reader.readexactly(8) == b"\x00\x5a" + bytes(6)
        writer.write(hello)
        assert await reader.readexactly(len(hello)) == hello
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(b"\x04\x01" + port.to_bytes(2) + b"\0\0\0\1me\0evil.test\0")
        assert await reader.readexactly(8) == b"\x00\x5a" + bytes(6)
        writer.write(b"first")
        given, client = await bench.given.get()
        client.close()
        assert (given.kind, given.host, given.port, given.data) == (Kind.TUNNEL, "evil.test", port, b"first")
        writer.close()
        bench.wants_password = True  # a protocol without passwords is then no way in
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(b"\x04\x01\x00\x50\0\0\0\1me\0clean.test\0")
        assert await reader.read() == b"\x00\x5b" + bytes(6)
        writer.close()


@pytest.mark.parametrize("listener", ["http", "socks"])
async def test_an_address_that_may_not_come_in_hears_nothing(listener: str) -> None:
    async with asyncio.timeout(10), front(listener) as bench:
        bench.refused = {"127.0.0.1"}
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(b"\x05\x01\x00")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize(
    ("far", "address", "allowed", "passes"),
    [
        (True, "127.0.0.1", (), False),
        (True, "::ffff:127.0.0.1", (), False),
        (True, "127.0.0.1", ("127.0.0.0/8",), True),
        (False, "127.0.0.1", (), True),
    ],
)
async def test_private_destinations_are_kept_from_clients_beyond_this_machine(
    far: bool, address: str, allowed: tuple[str, ...], passes: bool
) -> None:
    networks = [ip_network(each) for each in allowed]
    async with asyncio.timeout(10), front("http", allowed=networks) as bench, origin(echo) as port:
        bench.far = {"127.0.0.1"} if far else set()
        bench.resolved["inside.test"] = Lookup((ip_address(address),))
        reader, writer = await tunnel(bench, "inside.test", port)
        if passes:
            assert await welcomed(bench, reader)
        else:
            given, client = await bench.given.get()
            client.close()
            assert given.guarded, "the inspector must keep it too"
        writer.close()


class Header(ProxyHeader):
    """A trusted proxy's header of four bytes."""

    def trusts(self, address: str) -> bool:
        return True

    def read(self, data: bytes) -> tuple[str, int] | None:
        if data[:1] not in (b"", b"P"):
            raise GreetingError("no header")
        return ("192.0.2.7", 4) if len(data) >= 4 else None


async def test_a_trusted_proxy_says_who_the_client_is() -> None:
    async with asyncio.timeout(10), front("http", proxy_header=Header()) as bench:
        bench.refused = {"192.0.2.7"}
        for said in (b"PROX" + connect(), b"GET / "):
            reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
            writer.write(said)
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
        bench.refused = set()
        _, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(b"PRO")
        await writer.drain()
        writer.write(b"X" + connect())
        given, client = await bench.given.get()
        client.close()
        assert given.data == connect()
        writer.close()


@pytest.mark.parametrize(
    ("config", "address", "admitted"),
    [
        ({}, "127.0.0.1", True),
        ({}, "::ffff:127.0.0.1", True),
        ({}, "192.0.2.7", True),  # only a trusted proxy can bring it to loopback
        ({"host": "0.0.0.0"}, "192.0.2.7", False),
        ({"host": "0.0.0.0", "credentials": "required"}, "192.0.2.7", True),
        ({"host": "0.0.0.0", "allow_clients": ["192.0.2.0/24"]}, "192.0.2.7", True),
        ({"host": "0.0.0.0", "allow_clients": ["192.0.2.0/24"]}, "::ffff:192.0.2.7", True),
        ({"host": "0.0.0.0", "allow_clients": ["192.0.2.0/24"]}, "198.51.100.7", False),
        ({"host": "0.0.0.0", "allow_clients": ["192.0.2.0/24"], "credentials": "required"}, "198.51.100.7", False),
        ({"host": "0.0.0.0", "allow_clients": ["192.0.2.0/24"]}, "", False),
    ],
)
def test_which_addresses_may_come_in(config: dict[str, object], address: str, admitted: bool) -> None:
    clients = ClientList(ProxyConfig.model_validate(config), DeviceDirectory("here"))
    assert clients.admits(address) is admitted


def test_everybody_but_this_machine_is_guarded_and_known_by_address() -> None:
    clients = ClientList(ProxyConfig(), DeviceDirectory("here"))
    assert [clients.guarded(address) for address in ("127.0.0.1", "::1", "192.0.2.7", "")] == [False, False, True, True]
    assert clients.by_address("192.0.2.7", "http").address == "192.0.2.7"
    assert clients.by_password("u", "p", "192.0.2.7", "http") is None
    assert (clients.knows_passwords, clients.wants_password) == (False, False)


async def redirected(bench: Bench, first: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
    writer.write(first)
    return reader, writer


async def test_redirected_traffic_is_judged_by_its_address_its_hello_and_the_name_our_dns_gave() -> None:
    async with asyncio.timeout(10), front("transparent") as bench, origin(echo) as port:
        bench.redirected_to = ("127.0.0.1", port)
        hello = real_hello("clean.test")
        reader, writer = await redirected(bench, hello)
        assert await reader.readexactly(len(hello)) == hello
        writer.close()
        for names, first in (((), real_hello("evil.test")), (("evil.test",), real_hello(None))):
            bench.names_given["127.0.0.1"] = names
            bench.now += 100  # what was known of the address is asked anew
            _, writer = await redirected(bench, first)
            given, client = await bench.given.get()
            client.close()
            assert (given.kind, given.host, given.port, given.data) == (Kind.TUNNEL, "127.0.0.1", port, first)
            writer.close()


async def test_redirected_traffic_to_the_address_that_our_own_name_was_given_is_for_us() -> None:
    """Wherever that address leads, it is not dialled: the inspector answers by our name."""
    async with asyncio.timeout(10), front("transparent") as bench:
        bench.redirected_to, bench.own = ("127.0.0.1", 80), {80}
        bench.names_given["127.0.0.1"] = ("0f1e.dns.check.seawall.internal", "clean.test")
        _, writer = await redirected(bench, b"GET / HTTP/1.1\r\n")
        given, client = await bench.given.get()
        client.close()
        writer.close()
    assert (given.kind, given.host, given.port) == (Kind.TUNNEL, "0f1e.dns.check.seawall.internal", 80)
    assert given.addresses == ()


@pytest.mark.parametrize(
    ("listener", "host", "names", "server_name", "told"),
    [
        ("http", "clean.test", (), "other.test", True),
        ("http", "clean.test", (), "clean.test", False),
        ("http", "clean.test", (), "CLEAN.test", False),
        ("http", "127.0.0.1", ("clean.test",), "other.test", True),
        ("http", "127.0.0.1", ("other.test", "clean.test"), "clean.test", False),
        ("http", "127.0.0.1", (), "clean.test", False),
    ],
)
async def test_a_hello_that_contradicts_what_was_asked_for_is_told(
    listener: str, host: str, names: tuple[str, ...], server_name: str, told: bool
) -> None:
    hello = real_hello(server_name)
    async with asyncio.timeout(10), front(listener) as bench, origin(echo) as port:
        bench.names_given["127.0.0.1"] = names
        for _ in range(2):
            reader, writer = await tunnel(bench, host, port)
            assert await welcomed(bench, reader)
            writer.write(hello)
            assert await reader.readexactly(len(hello)) == hello
            writer.close()
    asked = names[0] if names else host
    assert [hosts for hosts, _ in bench.sightings] == ([(asked, "other.test")] if told else [])
    assert bench.repeats == (["INC-1"] if told else [])
