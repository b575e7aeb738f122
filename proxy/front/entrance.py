"""The greetings of each kind of listener: HTTP, SOCKS, redirected traffic; then the way on which a client goes.

It reads the greeting, asks `Crossing` whether the connection may pass untouched, and does what follows. It never
decrypts, never answers a request itself but for the proxy protocols' own replies, and judges nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from proxy.front import greetings
from proxy.front.client import Client
from proxy.front.doorway import Caller, Doorway
from proxy.front.greetings import Asked, GreetingError, Request
from proxy.front.passing import WELCOMED, Replies, hand_over_tunnel, inspect, pass_through
from proxy.front.web import Begun, Web, with_answer
from proxy.hand_over import HandOver, Kind
from proxy.pages.arriving import HTTP, HTTPS, arrive

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 2\r\nConnection: close\r\n\r\n"
    b"Seawall: this connection needs a closer look, and nothing is there to take it. Try again in a moment.\n"
)
_HTTP = Replies(_ESTABLISHED, _BAD_GATEWAY, _UNAVAILABLE)
_SOCKS5 = Replies(greetings.SUCCEEDED, greetings.UNREACHABLE, greetings.FAILED)
_SOCKS4 = Replies(greetings.SOCKS4_GRANTED, greetings.SOCKS4_REFUSED, greetings.SOCKS4_REFUSED)

type Serve = Callable[[Client, Doorway], Awaitable[None]]


async def enter(client: Client, door: Doorway) -> None:
    """Serve one client of a listener until it is settled."""
    if door.proxy_header and door.proxy_header.trusts(client.address):
        while not (named := door.proxy_header.read(client.data)):
            await client.more()
        client.address, client.data = named[0] or client.address, client.data[named[1] :]
    if door.clients.admits(client.address) and door.has_room(client):
        await SERVED[door.listener](client, door)
    else:
        client.transport.abort()


async def _http(client: Client, door: Doorway) -> None:
    """Serve requests in plain HTTP one by one, and CONNECT."""

    async def give(caller: Caller, begun: Begun | None) -> None:
        await inspect(client, door, with_answer(_whole(client, caller, Kind.HTTP), begun), None, _HTTP)

    web = Web(client, door, give)
    try:
        while request := await web.next():
            if greetings.is_for_us(request):  # a PAC file is fetched without a password
                client.data = greetings.to_us(client.data)
                await give(door.by_address(client), None)
                return
            caller = _by_header(client, door, request)
            if request.method == "CONNECT":
                await _connect(client, door, caller, request)
                return
            if not await web.serve(caller, request):
                return
        await web.end()
    finally:
        web.close()


async def _connect(client: Client, door: Doorway, caller: Caller, request: Request) -> None:
    agent = request.headers.get("user-agent", "")
    if agent:
        door.reporter.device_seen(caller.device, agent)
    await _to(client, door, caller, greetings.connect_target(request), Kind.HTTP)


def _by_header(client: Client, door: Doorway, request: Request) -> Caller:
    """Return who sends a request. Raises GreetingError (407) for a wrong password, or none where one is wanted."""
    given = greetings.basic_credentials(request.headers.get("proxy-authorization", ""))
    if given:
        return _by_password(client, door, *given, greetings.PASSWORD_PLEASE)
    if door.clients.wants_password:
        raise GreetingError("a password is required", greetings.PASSWORD_PLEASE)
    return door.by_address(client)


async def _socks(client: Client, door: Doorway) -> None:
    await client.some()
    if client.data[0] == greetings.SOCKS4_VERSION:
        await _socks4(client, door)
        return
    while not (offered := greetings.read_socks_methods(client.data)):
        await client.more()
    client.data = client.data[offered[0] :]
    caller = await _by_method(client, door, offered[1])
    while not (asked := greetings.read_socks_request(client.data)):
        await client.more()
    await _to(client, door, caller, asked, Kind.SOCKS)


async def _by_method(client: Client, door: Doorway, offered: frozenset[int]) -> Caller:
    """Agree on a method and return who the client is. Raises GreetingError: no method, or a wrong password."""
    if 2 in offered and door.clients.knows_passwords:
        client.transport.write(greetings.PASSWORD_WANTED)
        while not (said := greetings.read_socks_password(client.data)):
            await client.more()
        user, password, length = said
        caller = _by_password(client, door, user, password, greetings.PASSWORD_REFUSED)
        client.data = client.data[length:]
        client.transport.write(greetings.PASSWORD_TAKEN)
        return caller
    if 0 not in offered or door.clients.wants_password:
        raise GreetingError("the client offers no method that is served here", greetings.NO_METHOD)
    client.transport.write(greetings.NO_AUTHENTICATION)
    return door.by_address(client)


async def _socks4(client: Client, door: Doorway) -> None:
    """Serve SOCKS4 and SOCKS4a, which know no password. The inspector is given a tunnel: it does not speak this."""
    if door.clients.wants_password:
        raise GreetingError("a password is required", greetings.SOCKS4_REFUSED)
    while not (asked := greetings.read_socks4(client.data)):
        await client.more()
    caller = door.by_address(client)
    passage = await door.crossing.destination(caller.device, asked.host, asked.port, caller.guarded)
    client.data = asked.rest
    if passage.clear:
        await pass_through(client, door, caller, passage, _SOCKS4)
        return
    client.transport.write(greetings.SOCKS4_GRANTED)
    await client.some()
    await hand_over_tunnel(client, door, caller, passage)


async def _transparent(client: Client, door: Doorway) -> None:
    """Serve a connection that was redirected on its way."""
    assert door.destination_of is not None  # noqa: S101 - a listener of this kind has it
    host, port = door.destination_of(client.socket)
    caller = door.by_address(client)
    passage = await door.crossing.destination(caller.device, host, port, caller.guarded)
    if passage.clear:
        await pass_through(client, door, caller, passage, WELCOMED)
        return
    await hand_over_tunnel(client, door, caller, passage)


async def _to(client: Client, door: Doorway, caller: Caller, asked: Asked, kind: Kind) -> None:
    """Pass a client through, or hand it over as it came, so that the inspector answers its request."""
    passage = await door.crossing.destination(caller.device, asked.host, asked.port, caller.guarded)
    replies = _HTTP if kind is Kind.HTTP else _SOCKS5
    if not passage.clear:
        await inspect(client, door, _whole(client, caller, kind), asked, replies)
        return
    client.data = asked.rest
    await pass_through(client, door, caller, passage, replies)


def _whole(client: Client, caller: Caller, kind: Kind) -> HandOver:
    return HandOver(kind, client.data, caller.device, guarded=caller.guarded)


def _by_password(client: Client, door: Doorway, user: str, password: str, wrong: bytes) -> Caller:
    caller = door.by_password(client, user, password)
    if caller is None:
        raise GreetingError("a wrong user name or password", wrong)
    return caller


SERVED: dict[str, Serve] = {
    "http": _http,
    "socks": _socks,
    "transparent": _transparent,
    HTTP: arrive,
    HTTPS: arrive,
}
