"""Names that were answered truly are noted; what was stopped, recorded or led nowhere is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.resolver import TestPolicy, question, running
from tests.support.upstream import FakeUpstream


@pytest.mark.parametrize(
    ("rule", "config", "noted"),
    [
        (None, {"privacy": {"keep_sightings": True}}, {"www.seen.example"}),
        (None, {}, {"www.seen.example"}),
        ({"block": "www.seen.example"}, {"privacy": {"keep_sightings": True}}, set()),
        ({"audit": "www.seen.example"}, {"privacy": {"keep_sightings": True}}, set()),
    ],
)
async def test_which_names_are_noted(
    tmp_path: Path, upstream: FakeUpstream, rule: dict[str, str] | None, config: dict[str, Any], noted: set[str]
) -> None:
    upstream.add("www.seen.example 60 A 198.51.100.7", under="www.seen.example")
    policy = TestPolicy(rule) if rule else TestPolicy()
    async with running(tmp_path, {"upstreams": [upstream.address]}, policy, config) as resolver:
        for name in ("www.seen.example", "www.seen.example", "nothing.example"):
            assert await resolver.udp(question(name, "A")) is not None
        assert {host for _, hosts in resolver.reporter.let_through_to for host in hosts} == noted
