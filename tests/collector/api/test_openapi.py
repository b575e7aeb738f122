"""The API's document: complete by the table of routes, valid, and true of what schemathesis makes of it."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from collector.api.openapi import document
from collector.api.routes import ROUTES
from tests.collector.conftest import ADMIN
from tests.support.events import verdict


async def test_every_route_is_described(running):
    status, body, _ = await running.ask("GET", "/api/openapi.json", "")
    assert (status, body["openapi"]) == (200, "3.1.0")
    described = {(method.upper(), path) for path, item in body["paths"].items() for method in item}
    assert ("POST", "/api/machines/{id}/posture") in described
    assert ("PATCH", "/api/alerts/{id}") in described
    served = [route for route in ROUTES if not route[1].startswith("/api/v1.0/") and route[1] != "/api/openapi.json"]
    assert len(described) == len(served)
    for path, item in body["paths"].items():
        for method, operation in item.items():
            assert operation["summary"].endswith((".", ":")) or operation["summary"], (method, path)


def test_what_is_referred_to_is_there():
    text = json.dumps(document(ROUTES))
    names = set(document(ROUTES)["components"]["schemas"])
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= names
    assert referred


@pytest.mark.heavy
@pytest.mark.timeout(600)
async def test_schemathesis_finds_nothing(on_either, tmp_path: Path):
    running = on_either
    await running.deliver(verdict())
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{running.url}/api/openapi.json"),
        *("--header", f"Authorization: Bearer {ADMIN}", "--max-examples", "15", "--seed", "7", "--workers", "2"),
        *(
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ),
        *("--phases", "examples,coverage,fuzzing", "--exclude-path", "/api/v1/tail"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path
    )
    out, _ = await process.communicate()
    said = out.decode(errors="replace")
    assert process.returncode == 0, said[-6000:]
    tested = re.search(r"Tested: (\d+)", said)
    assert tested, said[-2000:]
    assert int(tested[1]) > 35
