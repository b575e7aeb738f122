"""Policy settings: safe defaults, and nothing that a warning can't become."""

from __future__ import annotations

import pytest

from indicators.settings import PolicySettings
from indicators.words import Action, Mode, OnError


def test_defaults_enforce_and_fail_closed() -> None:
    settings = PolicySettings()
    assert (settings.mode, settings.on_error, settings.bodies) == (Mode.ENFORCE, OnError.CLOSED, False)
    assert settings.warn_without_page is Action.BLOCK


@pytest.mark.parametrize("action", [Action.WARN, Action.AUDIT])
def test_a_warning_without_a_page_blocks_or_passes(action: Action) -> None:
    with pytest.raises(ValueError, match="expected block or allow"):
        PolicySettings(warn_without_page=action)
