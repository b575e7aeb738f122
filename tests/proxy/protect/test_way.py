from __future__ import annotations

import pytest

from proxy.protect.way import State, found


@pytest.mark.parametrize(
    ("applied", "intercepted", "state"),
    [
        (True, True, State.PROTECTED),
        (None, True, State.PROTECTED),
        (True, False, State.NOT_INTERCEPTED),
        (False, False, State.OFF),
        (None, False, State.OFF),
    ],
)
def test_only_what_was_intercepted_is_protected(applied: bool | None, intercepted: bool, state: State) -> None:
    assert found(applied=applied, intercepted=intercepted).state is state
