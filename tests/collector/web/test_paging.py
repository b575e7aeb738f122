"""`$top` and `$skip` are bounded, and a wrong one is named."""

from __future__ import annotations

import pytest

from tests.support.events import verdict


@pytest.mark.parametrize(
    "query", ["$top=x", "$top=-1", "$top=10001", "$skip=1.5", "$skip=99999999999999", "$top=%D9%A1"]
)
async def test_wrong_pages_are_named(running, query):
    status, body, _ = await running.ask("GET", f"/api/alerts?{query}")
    assert status == 400
    assert body["error"]["message"].startswith(query[:4])


async def test_pages_follow_each_other(running):
    await running.deliver(*(verdict(f"v{i}", host=f"h{i}.example") for i in range(5)))
    path, seen = "/api/alerts?$top=2", []
    while path:
        _, body, _ = await running.ask("GET", path)
        seen += [alert["evidence"][0]["url"] and alert["id"] for alert in body["value"]]
        path = body.get("@odata.nextLink", "").removeprefix(running.url)
    assert len(seen) == len(set(seen)) == 5
    _, body, _ = await running.ask("GET", "/api/machines?$top=0")
    assert body == {"value": []}
