"""Let no hook fail open by accident.

mitmproxy logs an exception in a hook and lets the flow pass. So every hook that decides is wrapped here: what escapes
it ends in the outcome that `policy.on_error` asks for.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from indicators.words import OnError

log = logging.getLogger(__name__)


class _Guarded(Protocol):
    @property
    def on_error(self) -> OnError: ...


type Close = Callable[[Any], Any]


def guarded[H: Callable[..., Any]](
    close: Close, *, always: bool = False, let_pass: Close = lambda _: None
) -> Callable[[H], H]:
    """Wrap a hook: when it raises and the policy is closed (or `always`), `close` is called with the hook's data.

    Else `let_pass` is called: passing is what mitmproxy does by itself at most hooks. Both must be too simple to fail.
    A hook is a plain function that returns nothing, or what is to be awaited: what need not wait costs no task.
    """

    def failed(addon: _Guarded, data: object, hook: Callable[..., Any]) -> None:
        log.exception("hook %s failed; policy.on_error is %s", hook.__name__, addon.on_error)
        if always or addon.on_error is OnError.CLOSED:
            close(data)
        else:
            let_pass(data)

    async def awaited(said: Awaitable[Any], addon: _Guarded, data: object, hook: Callable[..., Any]) -> None:
        try:
            await said
        except Exception:
            failed(addon, data, hook)

    def wrap(hook: H) -> H:
        @functools.wraps(hook)
        def called(addon: _Guarded, data: object) -> Any:
            try:
                said = hook(addon, data)
            except Exception:
                failed(addon, data, hook)
            else:
                return said if said is None else awaited(said, addon, data, hook)

        return cast("H", called)

    return wrap
