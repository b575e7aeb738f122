"""`$top` and `$skip` are bounded, and a wrong one is named."""

from __future__ import annotations

import pytest

from collector.web.parts import PARTS
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


async def test_the_link_onward_keeps_to_tls_where_a_terminator_speaks_it(running):
    host = f"localhost:{running.service.port}"
    object.__setattr__(running.service._app[PARTS].settings, "public_url", f"https://{host}")
    await running.deliver(*(verdict(f"v{i}", host=f"h{i}.example") for i in range(2)))
    _, body, _ = await running.ask("GET", "/api/alerts?$top=1", headers={"Host": host})
    assert body["@odata.nextLink"].startswith(f"https://{host}/api/alerts?")
    _, body, _ = await running.ask("GET", "/api/alerts?$top=1")
    assert body["@odata.nextLink"].startswith(running.url), "who came by another name goes on as they came"
