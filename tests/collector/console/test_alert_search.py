"""A search looks at so many alerts at once and leads on to older ones, so that no page takes long; none is left out."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from collector.console import alert_pages
from tests.collector.conftest import READ
from tests.support.events import TIME, verdict

OLDER = re.compile(r'href="(/alerts\?[^"]*)" rel="next"')


@pytest.mark.parametrize("filters", ["q=host", "severity=informational", "show=all"])
async def test_every_alert_is_found_once_however_small_the_window(running, monkeypatch, filters: str) -> None:
    monkeypatch.setattr(alert_pages, "_WINDOW", 7)
    monkeypatch.setattr(alert_pages, "_ROWS", 3)
    events = [verdict(f"e{n}", host=f"host{n:02}.example", time=TIME - timedelta(minutes=n)) for n in range(20)]
    await running.deliver(*events)
    found: list[str] = []
    path = f"/alerts?{filters}"
    for _ in range(30):
        _, page, _ = await running.ask("GET", path, READ)
        found += dict.fromkeys(re.findall(r"host\d\d\.example", page))
        following = OLDER.search(page)
        if following is None:
            break
        path = unescape(following[1])
    assert found == [f"host{n:02}.example" for n in range(20)]


async def test_a_search_that_finds_nothing_at_first_says_so_and_leads_on(running, monkeypatch) -> None:
    monkeypatch.setattr(alert_pages, "_WINDOW", 5)
    await running.deliver(
        *(verdict(f"e{n}", host=f"h{n}.example", time=TIME - timedelta(minutes=n)) for n in range(8)),
        verdict("old", host="wanted.example", time=TIME - timedelta(hours=1)),
    )
    _, page, _ = await running.ask("GET", "/alerts?q=wanted", READ)
    assert "None among the newest of these" in page
    _, page, _ = await running.ask("GET", unescape(OLDER.search(page)[1]), READ)
    assert "wanted.example" in page
    assert OLDER.search(page) is None
    _, page, _ = await running.ask("GET", "/alerts?q=nowhere&show=all&after=1-1", READ)
    assert "No alerts." in page
