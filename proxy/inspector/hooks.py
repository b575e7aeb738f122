"""Call the addons' handlers of a hook, each found once for the life of the process.

mitmproxy asks every addon, at every hook of every request, whether it has a handler; most have none. What it promises
holds here too: handlers are called in the addons' order, an exception in one is logged and the next is called, and
AddonHalt ends the round. Nothing is decided here.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, fields
from typing import Any

from mitmproxy.addonmanager import AddonManager, traverse
from mitmproxy.exceptions import AddonHalt, OptionsError
from mitmproxy.hooks import Hook

log = logging.getLogger(__name__)

type Handler = Callable[[Any], Any]
type Rest = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Handlers:
    """Hold the handlers of one hook, and the attribute of it that they are given."""

    field: str
    all: tuple[Handler, ...]

    def begin(self, hook: Hook) -> Rest | None:
        """Call the handlers up to the first that waits; return what then remains to be awaited. Most never wait."""
        return _called(iter(self.all), getattr(hook, self.field))


def _called(handlers: Iterator[Handler], data: object) -> Rest | None:
    for handler in handlers:
        try:
            said = handler(data)
        except AddonHalt:
            return None
        except OptionsError:
            raise
        except Exception:
            log.exception("Addon error")
        else:
            if said is not None and inspect.isawaitable(said):
                return _awaited(said, handlers, data)
    return None


async def _awaited(said: Awaitable[Any], handlers: Iterator[Handler], data: object) -> None:
    """Wait for one handler, then have the others called."""
    try:
        await said
    except AddonHalt:
        return
    except OptionsError:
        raise
    except Exception:
        log.exception("Addon error")
    rest = _called(handlers, data)
    if rest is not None:
        await rest


class Hooks:
    """Know the handlers of all hooks, anew whenever addons were added or removed."""

    def __init__(self, manager: AddonManager) -> None:
        self._manager = manager
        self._chain: tuple[object, ...] = ()
        self._found: dict[str, Handlers] = {}

    def begin(self, hook: Hook) -> Rest | None:
        """Have a hook's handlers called; return what remains to be awaited, as `Handlers.begin` does."""
        return self.of(hook).begin(hook)

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
            found = self._found[hook.name] = Handlers(field, each)
        return found
