"""What follows once a destination is clear: the first bytes are looked at, upstream is dialled, the two are joined.

Upstream is dialled at the judged addresses only, and before the first bytes only where a server may speak first. What
turns out to need a closer look is handed over with all that was read.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from indicators.frozen import frozen
from indicators.observation import Observation
from indicators.verdict import CLEAN
from indicators.well_known_ports import CLIENT_FIRST_PORTS
from indicators.words import Enforcement, OnError, Stage
from proxy.front.client import Client
from proxy.front.client_hello import NotTlsError, looks_like_tls, read_client_hello
from proxy.front.crossing import Passage
from proxy.front.dialing import dial
from proxy.front.doorway import Caller, Doorway
from proxy.front.greetings import Asked
from proxy.front.held_elsewhere import RelayHeldElsewhere
from proxy.front.plain_http import is_request, is_usual
from proxy.front.relay import Relay, join
from proxy.front.tunnels import Tunnel
from proxy.front.web import Begun, Web, with_answer
from proxy.hand_over import HandOver, Kind

log = structlog.get_logger("front")


@dataclass(frozen=True, slots=True)
class Replies:
    """Hold what the client's protocol answers: the tunnel stands, upstream cannot be reached, no inspector can."""

    welcome: bytes = b""
    unreachable: bytes = b""
    unavailable: bytes = b""


WELCOMED = Replies()
"""For a client that was told that its tunnel stands, or that knows of none."""


@frozen
class _Sight:
    """Say what the first bytes showed: whether they may pass, the name in the ClientHello, a request in plain HTTP."""

    clear: bool
    server_name: str = ""
    plain: bool = False
    ech: bool = False


async def pass_through(client: Client, door: Doorway, caller: Caller, passage: Passage, replies: Replies) -> None:
    """Splice a clear destination, or hand the client over when its first bytes say otherwise."""
    if passage.port not in CLIENT_FIRST_PORTS:
        await _let_server_speak(client, door, caller, passage, replies)
        return
    client.transport.write(replies.welcome)
    sight = await _look(client, door, passage)
    if not sight.clear:
        await _not_spliced(client, door, caller, passage, sight)
        return
    client.leave_at_end()  # a handshake that its client has ended comes to nothing
    upstream = await dial(passage.addresses, passage.port, Relay)
    _join(client, door, upstream, passage, sight)


async def _not_spliced(client: Client, door: Doorway, caller: Caller, passage: Passage, sight: _Sight) -> None:
    """Serve requests in plain HTTP one by one; all else is the inspector's."""
    if not sight.plain:
        await hand_over_tunnel(client, door, caller, passage)
        return

    async def give(caller: Caller, begun: Begun | None) -> None:
        await hand_over_tunnel(client, door, caller, passage, begun)

    client.must_speak()
    web = Web(client, door, give, passage)
    try:
        while (request := await web.next()) and await web.serve(caller, request):
            pass
        if request is None:
            await web.end()
    finally:
        web.close()


async def hand_over_tunnel(
    client: Client, door: Doorway, caller: Caller, passage: Passage, begun: Begun | None = None
) -> None:
    """Hand over a client that was told that its tunnel stands."""
    given = HandOver(
        Kind.TUNNEL, client.data, caller.device, passage.host, passage.port, passage.addresses, caller.guarded
    )
    await inspect(client, door, with_answer(given, begun), Asked(passage.host, passage.port, client.data), WELCOMED)


async def inspect(client: Client, door: Doorway, given: HandOver, asked: Asked | None, replies: Replies) -> None:
    """Hand a client over; where no inspector takes it, `policy.on_error` decides.

    Open, what nothing stops is spliced as far as it could be judged; a request in plain HTTP cannot be.
    """
    try:
        await door.inspectors.give(given, client)
    except OSError as problem:
        log.warning("no inspector takes a connection", reason=str(problem), on_error=str(door.on_error))
        await _without_inspector(client, door, given, asked, replies)


async def _without_inspector(
    client: Client, door: Doorway, given: HandOver, asked: Asked | None, replies: Replies
) -> None:
    way = None
    if asked and door.on_error is OnError.OPEN:
        way = await door.crossing.unopened(given.device, asked.host, asked.port, given.guarded)
    if way is None or client.transport.is_closing():
        client.refuse(replies.unavailable)
        return
    client.data = asked.rest if asked else b""
    client.transport.resume_reading()
    client.transport.write(replies.welcome)
    sight = await _look(client, door, way) if way.port in CLIENT_FIRST_PORTS else _Sight(True)
    if not door.crossing.still_passes(way, sight.server_name):
        client.refuse(b"")
        return
    upstream = await dial(way.addresses, way.port, Relay)
    _join(client, door, upstream, way, sight)


async def _let_server_speak(client: Client, door: Doorway, caller: Caller, passage: Passage, replies: Replies) -> None:
    """Dial at once and pass on what the server says, while the client's first bytes are held until judged."""
    try:
        upstream = await dial(passage.addresses, passage.port, Relay)
    except (OSError, TimeoutError):
        client.refuse(replies.unreachable)
        return
    try:
        client.transport.write(replies.welcome)
        sight = await _look_while_it_speaks(client, door, upstream, passage)
    except BaseException:
        upstream.abort()
        raise
    if sight.clear:
        _join(client, door, upstream, passage, sight)
        return
    upstream.abort()
    if upstream.received:  # nobody could repeat what the server said
        client.transport.abort()
    else:
        await _not_spliced(client, door, caller, passage, sight)


async def _look_while_it_speaks(client: Client, door: Doorway, upstream: Relay, passage: Passage) -> _Sight:
    """Pass on what the server says until the client has spoken; until then both are one of the open tunnels."""
    near = _half(client)
    upstream.meet(near)
    ended = door.tunnels.add(Tunnel(passage, "", near, upstream))
    client.settle()
    client.may_wait()
    try:
        return await _look(client, door, passage)
    finally:
        ended()
        client.unsettle()


async def _look(client: Client, door: Doorway, passage: Passage) -> _Sight:
    """Read the first bytes until they show whether the inspector is needed."""
    await client.some()
    while looks_like_tls(client.data):
        try:
            hello = read_client_hello(client.data)
        except NotTlsError:
            return _Sight(False)
        if hello:
            name = hello.server_name
            clear = door.crossing.holds(passage, name) and door.crossing.may_splice(passage, name)
            return _Sight(clear, name, ech=hello.has_ech)
        await client.more()
    while (plain := is_request(client.data)) is None:
        await client.more()
    if plain:
        return _Sight(False, plain=is_usual(client.data))
    return _Sight(passage.port not in CLIENT_FIRST_PORTS)


def _join(client: Client, door: Doorway, upstream: Relay, passage: Passage, sight: _Sight) -> None:
    """Make the two sockets one tunnel; the client object is out of the way from here on."""
    server_name = sight.server_name
    if not door.crossing.holds(passage, server_name):
        upstream.abort()
        client.refuse(b"")
        return
    names = tuple(dict.fromkeys(name for name in (passage.host, server_name) if name))
    seen = Observation(Stage.TLS, passage.device, names, port=passage.port)
    door.reporter.report(seen, CLEAN, Enforcement.PASSED)
    if passage.unenforced:
        door.unenforced(passage.device, passage.host)
    if server_name:
        contradicts = door.crossing.contradicts(passage, server_name)
        door.said(passage, server_name, contradicts, sight.ech)
        if contradicts:
            door.mismatches.tell(passage, server_name)
    near = _half(client)
    join(near, upstream)
    near.on_end = door.tunnels.add(Tunnel(passage, server_name, near, upstream), client.keep_place())
    ended, data = client.has_ended, client.let_go()
    if upstream.transport and data:
        upstream.transport.write(data)
    client.transport.set_protocol(near)
    client.read_on()
    if ended and near.eof_received() is False:
        near.cut()


def _half(client: Client) -> Relay:
    half = RelayHeldElsewhere() if client.held_elsewhere else Relay()
    half.transport = client.transport
    return half
