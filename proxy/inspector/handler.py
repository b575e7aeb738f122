"""Drive mitmproxy's layers for one client connection: what a layer asks for is done at once where it can be.

mitmproxy makes an asyncio task of every hook and lets it wait for a lock, so that each costs a turn of the loop. Here
events stand in a queue that is worked off in one go, and only a hook with a handler that may wait gets a task. The
order of events is mitmproxy's own; written against 12.2, a test fails when the methods replaced here have changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import Any

from mitmproxy.connection import Connection
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.proxy.server import ConnectionIO

from proxy.inspector import at_once
from proxy.inspector.hooks import Hooks, Rest
from proxy.work import Work


class Handler(ProxyConnectionHandler):
    """Serve one client. `hooks` knows the addons' handlers; `work` counts each event."""

    def __init__(
        self,
        master: Any,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        options: Options,
        mode: ProxyMode,
        hooks: Hooks,
        *,
        work: Work,
    ) -> None:
        super().__init__(master, reader, writer, options, mode)  # type: ignore[no-untyped-call]
        self._hooks = hooks
        self._count = work
        at_once.offer(self.client, hooks)
        self._waiting: deque[events.Event] = deque()
        self._to_write: dict[Connection, list[bytes]] = {}  # by what is being worked off; written together
        self._at_work = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle_hook(self, hook: commands.StartHook) -> None:
        """Have the addons called; nothing of ours suspends a flow."""
        rest = at_once.begin(hook, self._hooks)
        if rest is not None:
            with self.timeout_watchdog.disarm():
                await rest

    async def server_event(self, event: events.Event) -> None:
        """Take an event. One that comes of another's work is worked off right after it."""
        self._waiting.append(event)
        if self._at_work:
            return
        self._at_work = True
        try:
            while self._waiting:
                self._work(self._waiting.popleft())
        finally:
            self._at_work = False
            for connection in list(self._to_write):
                self._write(connection)

    async def drain_writers(self) -> None:
        """Wait while something is still to be written; it seldom is."""
        for io in self.transports.values():
            writer = io.writer
            if not isinstance(writer, asyncio.StreamWriter) or writer.transport.get_write_buffer_size():
                await super().drain_writers()  # type: ignore[no-untyped-call]
                return

    def close_connection(self, connection: Connection, half_close: bool = False) -> None:
        """Close a connection; one whose task has hardly begun, and is not noted yet, a moment later."""
        io = self.transports.get(connection)
        if io is not None and io.handler is None:
            asyncio.get_running_loop().call_soon(self.close_connection, connection, half_close)
        elif io is not None:
            super().close_connection(connection, half_close)

    def _work(self, event: events.Event) -> None:
        self.timeout_watchdog.register_activity()
        self._count.done += 1
        try:
            for command in self.layer.handle_event(event):
                self._obey(command)
        except Exception:
            self.log("mitmproxy has crashed!", logging.ERROR, exc_info=True)

    def _obey(self, command: commands.Command) -> None:
        """Do what a layer asks for."""
        if isinstance(command, commands.SendData):
            self._to_write.setdefault(command.connection, []).append(command.data)
        elif isinstance(command, commands.StartHook):
            self._begin_hook(command)
        elif isinstance(command, commands.OpenConnection):
            task = self._begin(self.open_connection(command))
            self.transports[command.connection] = ConnectionIO(handler=task)
        elif isinstance(command, commands.CloseConnection):
            half = isinstance(command, commands.CloseTcpConnection) and command.half_close
            self._write(command.connection)
            self.close_connection(command.connection, half)
        elif isinstance(command, commands.RequestWakeup):
            self.wakeup_timer.add(self._begin(self.wakeup(command)))
        elif isinstance(command, commands.Log):
            self.log(command.message, command.level)
        else:
            raise RuntimeError(f"mitmproxy asks for something that is not known: {command}")

    def _write(self, connection: Connection) -> None:
        """Write what layers have asked for; a stream's pieces, of which HTTP/2 makes many small ones, in one call."""
        pieces = self._to_write.pop(connection, ())
        io = self.transports.get(connection)
        writer = io.writer if io is not None else None
        if not pieces or writer is None or writer.is_closing():
            return
        if isinstance(writer, asyncio.StreamWriter) and len(pieces) > 1:
            writer.writelines(pieces)
            return
        for piece in pieces:  # of a datagram connection each is a datagram
            writer.write(piece)

    def _begin_hook(self, hook: commands.StartHook) -> None:
        rest = at_once.begin(hook, self._hooks)
        if rest is not None:
            self._begin(self._finish_hook(hook, rest))
        elif hook.blocking:
            self._waiting.append(events.HookCompleted(hook))

    async def _finish_hook(self, hook: commands.StartHook, rest: Rest) -> None:
        with self.timeout_watchdog.disarm():
            await rest
        if hook.blocking:
            await self.server_event(events.HookCompleted(hook))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return task
