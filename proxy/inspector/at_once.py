"""Call an HTTP stream's hooks where the stream asks for them, not by way of all layers above it and back.

A stream stands at the end of a stack of six layers or more. What it asks for goes up through all of them, and that it
was done comes down through all of them again; five hooks a request made that a tenth of a request's cost. What a
stream sees is the same: its hook is done when it goes on. A hook that waits goes the long way, begun as it is.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from mitmproxy.connection import Client
from mitmproxy.hooks import Hook
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import HttpStream

from addons.replacing import wrap
from proxy.inspector.hooks import Hooks, Rest

_HOOKS = "seawall_hooks"  # of a client: who calls hooks for its streams
_REST = "seawall_rest"  # of a hook that was begun: what is to be awaited

type _Steps = Generator[commands.Command, Any, None]


def install() -> None:
    """Replace the way of a stream's hooks; harmless when repeated, and for clients to whom nothing is offered."""
    wrap(HttpStream, "_handle_event", _at_once)


def offer(client: Client, hooks: Hooks) -> None:
    """Let the streams of a client have their hooks called at once."""
    setattr(client, _HOOKS, hooks)


def begin(hook: Hook, hooks: Hooks) -> Rest | None:
    """Begin a hook, unless its stream has; return what remains to be awaited."""
    rest: Rest | None = getattr(hook, _REST, None)
    return rest if rest is not None else hooks.begin(hook)


def _at_once(original: Any) -> Any:
    def _handle_event(self: HttpStream, event: events.Event) -> _Steps:
        hooks: Hooks | None = getattr(self.context.client, _HOOKS, None)
        steps: _Steps = original(self, event)
        if hooks is None:
            return (yield from steps)
        answer = None
        while True:
            try:
                command = steps.send(answer)
            except StopIteration:
                return None
            answer = (yield command) if _is_left(command, hooks) else None

    return _handle_event


def _is_left(command: commands.Command, hooks: Hooks) -> bool:
    """Say whether a command is still to be obeyed: whether it is no hook, or one that waits.

    A hook of a layer below (a WebSocket's) is left too: that layer is paused by now, and waits for word from above.
    """
    if not isinstance(command, commands.StartHook) or command.blocking is not True:
        return True
    rest = hooks.begin(command)
    if rest is not None:
        setattr(command, _REST, rest)
    return rest is not None
