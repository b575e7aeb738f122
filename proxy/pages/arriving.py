"""A client that arrives at the block page's address: it says itself, by SNI or Host, which site it meant to reach.

The site is judged as on any other entrance. What is blocked goes to an inspector, which shows the page under a
certificate for that name; what was unblocked meanwhile is passed on to the real site, since browsers keep DNS answers
for a minute, and a person who has just continued past a warning would else meet the same address again.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

from proxy.front import greetings
from proxy.front.client import Client
from proxy.front.client_hello import NotTlsError, read_client_hello
from proxy.front.doorway import Doorway
from proxy.front.greetings import BAD_REQUEST, GreetingError
from proxy.front.passing import WELCOMED, hand_over_tunnel, pass_through

HTTP, HTTPS = "page_http", "page_https"
UNRECOGNIZED_NAME = b"\x15\x03\x03\x00\x02\x02\x70"  # TLS alert 112 (RFC 6066, section 3)


class Speaker(Protocol):
    """Hold what a client has said, and wait for more. Raises ConnectionAbortedError when nothing more will come."""

    @property
    def data(self) -> bytes:
        """Return what was said."""
        ...

    async def some(self) -> None:
        """Wait until there is something."""
        ...

    async def more(self) -> None:
        """Wait for more."""
        ...


async def arrive(client: Client, door: Doorway) -> None:
    """Serve one client of the page's listeners. Raises GreetingError when it does not say what it wants."""
    host, port = (await site_by_hello(client), 443) if door.listener == HTTPS else (await site_by_request(client), 80)
    caller = door.by_address(client)
    passage = await door.crossing.destination(caller.device, host, port, caller.guarded)
    if passage.clear:
        await pass_through(client, door, caller, passage, WELCOMED)
    else:
        await hand_over_tunnel(client, door, caller, passage)


async def site_by_hello(client: Speaker) -> str:
    """Return the name in the ClientHello. Raises GreetingError."""
    await client.some()
    try:
        while not (hello := read_client_hello(client.data)):
            await client.more()
    except NotTlsError as error:
        raise GreetingError(f"no TLS at the block page's port: {error}") from None
    if not hello.server_name:
        raise GreetingError("the client names no site", UNRECOGNIZED_NAME)
    return hello.server_name


async def site_by_request(client: Speaker) -> str:
    """Return the site of the first request. An absolute target comes before Host (RFC 9112, section 3.2.2).

    Raises GreetingError.
    """
    while not (request := greetings.read_request(client.data)):
        await client.more()
    absolute = request.target if "://" in request.target else f"http://{request.headers.get('host', '')}"
    try:
        host = urlsplit(absolute).hostname
    except ValueError:
        host = None
    if not host:
        raise GreetingError("the request names no site", BAD_REQUEST)
    return host
