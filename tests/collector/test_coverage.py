"""Reports of coverage as gateways send them: read strictly, with room for what newer gateways tell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from collector.coverage import read_coverage

WHOLE: dict[str, Any] = {
    "gateway": "gw",
    "newer": 1,
    "devices": [
        {
            "device": "d",
            "name": "not kept",
            "score": 45,
            "protected": False,
            "reasons": ["one"],
            "in_tunnel": True,
            "last_handshake": "2026-03-02T12:00:00+00:00",
            "last_dns": None,
            "signs": {"other_vpns": 2},
        }
    ],
}


def test_a_report() -> None:
    [found] = read_coverage(WHOLE).devices
    assert (found.score, found.protected) == (45, False)
    assert found.last_handshake == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert found.to_row() == {
        "reasons": ["one"],
        "in_tunnel": True,
        "signs": {"other_vpns": 2},
        "last_handshake": "2026-03-02T12:00:00+00:00",
        "last_dns": None,
        "last_connection": None,
    }


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "body: "),
        ({}, "gateway: "),
        ({"gateway": "g", "devices": [{"device": "d", "score": 101, "protected": True}]}, "devices.0.score: "),
        ({"gateway": "g", "devices": [{"device": "", "score": 1, "protected": True}]}, "devices.0.device: "),
        ({**WHOLE, "devices": [{**WHOLE["devices"][0], "last_dns": "2026-03-02T12:00:00"}]}, "devices.0.last_dns: "),
        ({**WHOLE, "devices": WHOLE["devices"] * 1001}, "devices: "),
    ],
)
def test_what_is_no_report(body: Any, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}"):
        read_coverage(body)
