"""Let no hook fail open by accident.

mitmproxy logs an exception in a hook and lets the flow pass. So every hook that decides is wrapped here: what escapes
it ends in the outcome that `policy.on_error` asks for.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from indicators.words import OnError

log = logging.getLogger(__name__)


class _Guarded(Protocol):
    @property
    def on_error(self) -> OnError: ...


type Hook[A, D] = Callable[[A, D], Awaitable[None]]


def guarded[A: _Guarded, D](
    close: Callable[[Any], Any], *, always: bool = False, let_pass: Callable[[Any], Any] = lambda _: None
) -> Callable[[Hook[A, D]], Hook[A, D]]:
    """Wrap a hook: when it raises and the policy is closed (or `always`), `close` is called with the hook's data.

    Else `let_pass` is called: passing is what mitmproxy does by itself at most hooks. Both must be too simple to fail.
    """

    def wrap(hook: Hook[A, D]) -> Hook[A, D]:
        @functools.wraps(hook)
        async def run(addon: A, data: D) -> None:
            try:
                await hook(addon, data)
            except Exception:
                log.exception("hook %s failed; policy.on_error is %s", hook.__name__, addon.on_error)
                if always or addon.on_error is OnError.CLOSED:
                    close(data)
                else:
                    let_pass(data)

        return run

    return wrap
