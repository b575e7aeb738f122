from __future__ import annotations

import pytest

from proxy.protect.systems import settings_of
from proxy.protect.way import ProtectError


@pytest.mark.parametrize("name", ["networksetup", "gnome"])
def test_each_system_is_known_by_its_name(name: str) -> None:
    assert settings_of(name).name == name


def test_another_is_an_error() -> None:
    with pytest.raises(ProtectError, match="'windows': no such system"):
        settings_of("windows")
