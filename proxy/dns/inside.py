"""Serve the rest of the gateway over the resolver's Unix socket: lookups, raw queries with their device, names given.

Only processes of our own user are served: the socket lies in a folder of mode 0700, and the peer's uid is checked.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from indicators.words import Visibility
from proxy.dns.clients import Client
from proxy.dns.given import GivenNames
from proxy.dns.look_up import LookUp
from proxy.dns.responder import Came, Responder
from proxy.dns.wire import device_from_json, frame, lookup_to_json, read_frame
from proxy.local_messages import peer_uid

log = logging.getLogger(__name__)

_MAX_PENDING = 1024  # questions of one connection that wait at the same time
_SEND_WITHIN = 5.0  # seconds


class InsideListener:
    """Serve connections until closed."""

    def __init__(
        self,
        responder: Responder,
        look_up: LookUp,
        clock: Callable[[], float],
        client_of: Callable[[Any], Client],
        given: GivenNames,
    ) -> None:
        self._responder = responder
        self._given = given
        self._look_up = look_up
        self._clock = clock
        self._client_of = client_of
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, path: Path) -> None:
        """Bind the socket, 0600; what an earlier process left there is replaced."""
        self._server = await asyncio.start_unix_server(self._handle, sock=_bind(path))

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or peer_uid(writer.get_extra_info("socket")) != os.getuid():
            writer.close()
            return
        self._open.add(task)
        try:
            async with asyncio.TaskGroup() as group:
                await self._serve(reader, writer, group)
        except* (OSError, TimeoutError):
            pass  # the other side is gone
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, group: asyncio.TaskGroup
    ) -> None:
        room = asyncio.Semaphore(_MAX_PENDING)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, ValueError):
            while True:
                asked = await read_frame(reader)
                await room.acquire()
                group.create_task(self._answer(asked, writer, room))

    async def _answer(self, asked: dict[str, Any], writer: asyncio.StreamWriter, room: asyncio.Semaphore) -> None:
        try:
            try:
                found = await self._found(asked)
            except (ValueError, KeyError, TypeError) as problem:
                found = {"problem": f"{type(problem).__name__}: {problem}"}
            except Exception:
                log.exception("a question from inside failed")
                found = {"problem": "the resolver failed; its log says why"}
            writer.write(frame({"id": asked.get("id"), **found}))
            async with asyncio.timeout(_SEND_WITHIN):
                await writer.drain()
        finally:
            room.release()

    async def _found(self, asked: dict[str, Any]) -> dict[str, Any]:
        device = device_from_json(asked["device"])
        if asked["op"] == "names":
            return {"names": self._given.names(device, ip_address(str(asked["address"])))}
        if asked["op"] == "given":
            addresses = tuple(ip_address(str(address)) for address in asked["addresses"])
            self._given.note(device, str(asked["name"]), addresses, int(asked["ttl"]))
            return {}
        client = self._client_of(device)
        if asked["op"] == "lookup":
            return lookup_to_json(await self._look_up.host(str(asked["host"]), client, Visibility(asked["reach"])))
        if asked["op"] == "query":
            packet = base64.b64decode(asked["packet"], validate=True)
            reply = await self._responder.answer(packet, Came(client, self._clock()))
            return {"packet": base64.b64encode(reply or b"").decode()}
        raise ValueError(f"no operation {asked['op']!r:.40}")

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


def _bind(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        sock.bind(str(path))
    finally:
        os.umask(mask)
    return sock
