"""unbound lists: zones that block or pass, data that is a sink or a rewrite."""

from __future__ import annotations

import pytest

from indicators.feeds.entry import Why
from tests.support.parsing import one


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('local-zone: "evil.example" always_nxdomain', ("domain", "evil.example")),
        ("local-zone: evil.example. refuse # note", ("domain", "evil.example")),
        ("  local-zone: 'evil.example' redirect", ("domain", "evil.example")),
        ('local-zone: "good.example" transparent', ("domain!", "good.example")),
        ('local-zone: "localhost" transparent', (Why.LOCAL_NAME.value, "localhost")),
        ('local-zone: "evil.example" other', (Why.UNSUPPORTED.value, 'local-zone: "evil.example" other')),
        ('local-data: "evil.example A 0.0.0.0"', ("domain=", "evil.example")),
        ('local-data: "evil.example. 300 IN AAAA ::"', ("domain=", "evil.example")),
        ("local-data: 'evil.example TXT \"x\"'", ("domain=", "evil.example")),
        ('local-data: "evil.example A 8.8.1.1"', ("domain=>", "evil.example")),
        ('local-data: "evil.example CNAME good.example"', ("domain=>", "evil.example")),
        ('local-data: "evil.example"', (Why.MALFORMED.value, 'local-data: "evil.example"')),
        ("server:", (Why.SETTING.value, "server:")),
        ("evil.example", (Why.MALFORMED.value, "evil.example")),
    ],
)
def test_a_line(line: str, found: tuple[str, str]) -> None:
    assert one("unbound", line) == found
