"""Call the addons' handlers of a hook, each found once for the life of the process.

mitmproxy asks every addon, at every hook of every request, whether it has a handler; most have none. What it promises
holds here too: handlers are called in the addons' order, an exception in one is logged and the next is called, and
AddonHalt ends the round. Nothing is decided here.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from mitmproxy.addonmanager import AddonManager, traverse
from mitmproxy.exceptions import AddonHalt, OptionsError
from mitmproxy.hooks import Hook

log = logging.getLogger(__name__)

type Handler = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Handlers:
    """Hold the handlers of one hook, and the attribute of it that they are given.

    `waits` when one of them is a coroutine function.
    """

    field: str
    all: tuple[Handler, ...]
    waits: bool

    def call(self, hook: Hook) -> None:
        """Call handlers of which none waits."""
        data = getattr(hook, self.field)
        for handler in self.all:
            try:
                handler(data)
            except AddonHalt:
                return
            except OptionsError:
                raise
            except Exception:
                log.exception("Addon error")

    async def wait(self, hook: Hook) -> None:
        """Call handlers, and wait for those that are coroutine functions."""
        data = getattr(hook, self.field)
        for handler in self.all:
            try:
                said = handler(data)
                if said is not None and inspect.isawaitable(said):
                    await said
            except AddonHalt:
                return
            except OptionsError:
                raise
            except Exception:
                log.exception("Addon error")


class Hooks:
    """Know the handlers of all hooks, anew whenever addons were added or removed."""

    def __init__(self, manager: AddonManager) -> None:
        self._manager = manager
        self._chain: tuple[object, ...] = ()
        self._found: dict[str, Handlers] = {}

    def of(self, hook: Hook) -> Handlers:
        """Return the handlers of a hook. Each of mitmproxy's hooks for connections has one argument."""
        if len(self._manager.chain) != len(self._chain):
            self._chain = tuple(self._manager.chain)
            self._found.clear()
        found = self._found.get(hook.name)
        if found is None:
            addons = traverse(self._chain)
            each = tuple(handler for addon in addons if callable(handler := getattr(addon, hook.name, None)))
            field = next(iter(fields(hook))).name  # type: ignore[arg-type]
            found = self._found[hook.name] = Handlers(field, each, any(map(inspect.iscoroutinefunction, each)))
        return found
