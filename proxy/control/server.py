"""The supervisor's end of the control socket: who may speak, and how requests reach their handlers.

What an operation does is written where it belongs and handed in; nothing is decided here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from proxy.control.protocol import MAX_REQUEST, ControlError, decode, encode

_MAX_OVERLAPPING = 64  # requests of one connection

log = structlog.get_logger("control")


@dataclass(slots=True, eq=False)
class Peer:
    """Name the process at the other end. `role` is empty until it has said `hello`."""

    pid: int
    uid: int
    role: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    heard: float | None = None  # when it last told of its health (monotonic seconds)


type Handler = Callable[[Peer, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class ControlServer:
    """Answer requests of our own user's processes. `gone` is told of each peer that leaves."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler], gone: Callable[[Peer], None] | None = None) -> None:
        self._path = path
        self._handlers = handlers
        self._gone = gone or (lambda _: None)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Listen, replacing a socket that a dead gateway left. The caller holds the state directory's lock."""
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(self._path))
        self._path.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._accept, sock=listening, limit=MAX_REQUEST)

    async def stop(self) -> None:
        """Close the socket and every connection."""
        if self._server:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=2)
        self._path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        peer = peer_of(writer.get_extra_info("socket"))
        try:
            if peer.uid == os.getuid():
                await self._serve(peer, reader, writer)
            else:
                log.warning("refused another user's process", uid=peer.uid, pid=peer.pid)
        except (OSError, asyncio.CancelledError):
            pass  # the peer left, or we are stopping: both are the end of this connection
        finally:
            self._gone(peer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        slots = asyncio.Semaphore(_MAX_OVERLAPPING)
        async with asyncio.TaskGroup() as tasks:
            while line := await _line(reader, writer):
                await slots.acquire()
                task = tasks.create_task(self._answer(peer, line, writer))
                task.add_done_callback(lambda _: slots.release())

    async def _answer(self, peer: Peer, line: bytes, writer: asyncio.StreamWriter) -> None:
        number: Any = None
        try:
            body = decode(line)
            number = body.get("id")
            reply = {"ok": True, **await self._handle(peer, body)}
        except (ControlError, ValueError) as error:
            reply = {"ok": False, "error": str(error)}
        except Exception:
            log.exception("an operation failed", op=line[:80])
            reply = {"ok": False, "error": "the gateway failed; see its log"}
        with contextlib.suppress(OSError):
            writer.write(encode({"id": number, **reply}))
            await writer.drain()

    async def _handle(self, peer: Peer, body: Mapping[str, Any]) -> Mapping[str, Any]:
        op = body.get("op")
        handler = self._handlers.get(op) if isinstance(op, str) else None
        if handler is None:
            raise ControlError(f"unknown operation {op!r:.40}; expected one of {', '.join(sorted(self._handlers))}")
        return await handler(peer, body)


async def _line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Return the next line, or nothing at the end; a line over the limit is answered and ends the connection.

    A process killed with a reply unread ends like any other: from within a task group it would be no OSError.
    """
    try:
        return await reader.readline()
    except ConnectionError:
        return b""
    except ValueError:
        writer.write(encode({"id": None, "ok": False, "error": f"longer than {MAX_REQUEST} bytes"}))
        await writer.drain()
        return b""


def peer_of(connection: socket.socket) -> Peer:
    """Return the process at the other end as the kernel knows it.

    Where the kernel does not tell (macOS), the socket's 0700 folder is the guard and the peer counts as ours.
    """
    if not hasattr(socket, "SO_PEERCRED"):
        return Peer(0, os.getuid())
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", packed)
    return Peer(pid, uid)
