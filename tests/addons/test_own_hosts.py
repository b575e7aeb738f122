from __future__ import annotations

import pytest

from addons.own_hosts import is_reserved, leads_to_us


@pytest.mark.parametrize(
    ("host", "ours", "leads"),
    [
        ("seawall.internal", True, True),
        ("eicar.seawall.internal", True, True),
        ("0f1e.url.check.seawall.internal", True, True),
        ("check.seawall.internal", True, False),
        ("other.seawall.internal", True, False),
        ("notseawall.internal", False, False),
        ("internal", False, False),
    ],
)
def test_which_names_are_ours_and_which_of_them_exist(host: str, ours: bool, leads: bool) -> None:
    assert (is_reserved(host), leads_to_us(host)) == (ours, leads)
