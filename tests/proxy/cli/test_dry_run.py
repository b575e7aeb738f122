"""`seawall indicators test` against a real collector: counts, exit codes, broken files, no collector."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner

from indicators.words import Action, Enforcement
from proxy.cli.dry_run import test as command
from tests.proxy.cli.test_console import config, serving  # noqa: F401 - fixtures
from tests.proxy.cli.test_tail import deliver
from tests.support.events import verdict


async def run(config: Path, *options: str):  # noqa: F811
    return await asyncio.to_thread(CliRunner().invoke, command, ["--config", str(config), *options])


async def test_an_edit_is_tried_on_history(config, serving, tmp_path):  # noqa: F811
    seen = verdict("a", host="shop.example", url="", action=Action.AUDIT, enforcement=Enforcement.PASSED)
    await deliver(config, serving.url, seen, verdict("b", host="evil.example"))
    edit = tmp_path / "edit.yaml"
    edit.write_text("- block: shop.example\n- allow: evil.example\n")
    told = await run(config, str(edit))
    assert told.exit_code == 3, told.output
    assert "would be stopped: 1 times on 1 devices" in told.output
    assert "would be let through: 1 times" in told.output
    assert "shop.example" in told.output
    assert json.loads((await run(config, str(edit), "--json")).output)["blocked"]["times"] == 1
    edit.write_text("- block: nobody.example\n")
    assert (await run(config, str(edit))).exit_code == 0


async def test_what_is_broken_is_said(config, tmp_path):  # noqa: F811
    edit = tmp_path / "edit.yaml"
    edit.write_text("- blok: x\n")
    broken = await run(config, str(edit))
    assert broken.exit_code == 2
    assert (await run(config, str(tmp_path / "missing.yaml"))).exit_code == 2
    edit.write_text("- block: evil.example\n")
    missing = await run(config, str(edit))
    assert missing.exit_code == 1
    assert "seawall run" in missing.output


async def test_an_empty_file_is_refused_by_the_collector(config, serving, tmp_path):  # noqa: F811
    edit = tmp_path / "edit.yaml"
    edit.write_text("[]\n")
    refused = await run(config, str(edit))
    assert refused.exit_code == 1
    assert "400" in refused.output
