from __future__ import annotations

import pytest

from indicators.indicator import Indicator, Origin
from indicators.words import Action, IndicatorType, Visibility

ORIGIN = Origin("custom", custom=True)


@pytest.mark.parametrize(
    ("kind", "value", "exact", "visibility", "host"),
    [
        (IndicatorType.DOMAIN, "evil.example", False, Visibility.DNS, "evil.example"),
        (IndicatorType.URL, "evil.example/", False, Visibility.DNS, "evil.example"),
        (IndicatorType.URL, "evil.example/", True, Visibility.URL, "evil.example"),
        (IndicatorType.URL, "evil.example/a?b", False, Visibility.URL, "evil.example"),
        (IndicatorType.IP, "203.0.113.0/24", False, Visibility.CONNECTION, ""),
        (IndicatorType.SHA256, "0" * 64, False, Visibility.BODY, ""),
        (IndicatorType.CERTIFICATE, "0" * 40, False, Visibility.SERVER_CERT, ""),
    ],
)
def test_the_least_sight_follows_from_type_and_path(
    kind: IndicatorType, value: str, exact: bool, visibility: Visibility, host: str
) -> None:
    indicator = Indicator(value, kind, Action.BLOCK, ORIGIN, exact=exact)
    assert (indicator.visibility, indicator.host) == (visibility, host)
