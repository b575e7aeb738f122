"""Knowledge is fetched whole from real servers or left as it was."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from collector.vulnerabilities.knowledge import Knowledge, read
from proxy.config.sections.vulnerabilities import KnowledgeSources
from proxy.vulnerabilities.update import UpdateError, update
from tests.collector.vulnerabilities.test_assessment import IOS
from tests.collector.vulnerabilities.test_gathering import PAGE, SOFA

TODAY = date(2026, 11, 24)
KEV = {
    "vulnerabilities": [
        {
            "cveID": "CVE-1",
            "dateAdded": "2026-01-01",
            "vendorProject": "Apple",
            "product": "iOS",
            "vulnerabilityName": "X",
        }
    ]
}
FILES = {
    "ios_security": SOFA,
    "ios_releases": json.dumps({"versions": {"18.7": {"name": "18.7", "date": "2025-09-15"}}}),
    "ios_cycles": PAGE,
    "android_cycles": PAGE,
    "exploited": json.dumps(KEV),
}
NOTHING = Knowledge({}, {}, ())


@pytest.fixture
async def publisher() -> AsyncIterator[tuple[dict[str, str], KnowledgeSources]]:
    files = dict(FILES)

    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in files:
            raise web.HTTPNotFound
        return web.Response(text=files[name])

    app = web.Application()
    app.router.add_get("/{name}", answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield files, KnowledgeSources(**{name: str(server.make_url(f"/{name}")) for name in FILES})


async def test_knowledge_is_made_of_all_sources_and_dated_today(publisher, tmp_path: Path) -> None:
    _, config = publisher
    target, told = tmp_path / "v.json", []
    made = await update(config, target, NOTHING, TODAY, {}, told.append)
    assert read(target.read_text()) == made
    assert made.dated == TODAY
    assert {str(release.version) for release in made.systems["iOS"].releases} == {"18.7.7", "18.7.6", "18.7"}
    assert list(made.known_exploited) == ["CVE-1"]
    assert [line.partition(":")[0] for line in told] == list(FILES)
    assert [file.name for file in tmp_path.iterdir()] == ["v.json"]


@pytest.mark.parametrize(
    ("broken", "text", "said"),
    [
        ("exploited", None, "exploited: .* 404"),
        ("ios_security", "{", "SOFA: "),
        ("ios_cycles", "gone", "endoflife.date: "),
    ],
)
async def test_a_source_that_fails_leaves_everything_as_it_was(
    publisher, tmp_path: Path, broken: str, text: str | None, said: str
) -> None:
    files, config = publisher
    target = tmp_path / "v.json"
    target.write_text("what was there")
    if text is None:
        del files[broken]
    else:
        files[broken] = text
    with pytest.raises(UpdateError, match=said):
        await update(config, target, NOTHING, TODAY, {})
    assert target.read_text() == "what was there"


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (Knowledge({"iOS": replace(IOS, releases=IOS.releases * 2)}, {}, ()), "iOS: 3 releases where 12 are known"),
        (Knowledge({"iOS": replace(IOS, cycles=IOS.cycles * 2)}, {}, ()), "iOS: 3 cycles where 8 are known"),
        (Knowledge({}, dict.fromkeys(map(str, range(9)), (TODAY, "")), ()), "exploited: less than half"),
    ],
    ids=["releases", "cycles", "exploited"],
)
async def test_a_source_that_lost_half_is_not_believed(publisher, tmp_path: Path, known: Knowledge, said: str) -> None:
    _, config = publisher
    with pytest.raises(UpdateError, match=said):
        await update(config, tmp_path / "v.json", known, TODAY, {})
    assert not (tmp_path / "v.json").exists()


async def test_a_name_that_leads_to_a_private_address_is_not_followed(tmp_path: Path, publisher) -> None:
    _, config = publisher
    elsewhere = config.model_copy(update={"ios_security": "https://169.254.169.254/latest"})
    with pytest.raises(UpdateError, match="ios_security: "):
        await update(elsewhere, tmp_path / "v.json", NOTHING, TODAY, {})
