"""A scan process answers a line for a line, whatever it is asked."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from addons import harmless
from addons.scanning.limits import MIB
from proxy.scanning.process import serve
from proxy.scanning.settings import ScanSettings
from proxy.scanning.slot import Slot, Window

RULE = 'rule test_file { strings: $a = "EICAR-STANDARD" condition: $a }'


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    made = Slot(tmp_path)
    yield made
    made.close()


def answers(settings: ScanSettings, slot: Slot, *requests: object) -> tuple[int, list[dict[str, object]]]:
    said = io.StringIO()
    lines = io.StringIO("".join(json.dumps(one) + "\n" for one in requests))
    code = serve(settings, Window(slot.descriptor), lines, said)
    return code, [json.loads(line) for line in said.getvalue().splitlines()]


def test_each_request_is_answered(tmp_path: Path, slot: Slot) -> None:
    (tmp_path / "a.yar").write_text(RULE)
    slot.write(harmless.zipped())
    settings = ScanSettings(rules=(tmp_path / "a.yar",), clamd=str(tmp_path / "none"))
    code, said = answers(
        settings,
        slot,
        {"name": "eicar.zip", "size": len(harmless.zipped())},
        {"name": "longer", "size": len(harmless.zipped()) + 1},
        ["no request"],
    )
    assert code == 0
    assert said[0] == {"ready": True}
    assert [found["name"] for found in said[1]["findings"]] == ["test_file"]  # type: ignore[attr-defined]
    assert "clamd at" in said[1]["failures"][0]  # type: ignore[index]
    assert "shorter than was said" in str(said[2]["error"])
    assert "TypeError" in str(said[3]["error"])


def test_rules_that_cannot_be_used_end_it_with_their_error(tmp_path: Path, slot: Slot) -> None:
    (tmp_path / "bad.yar").write_text("rule {")
    code, said = answers(ScanSettings(rules=(tmp_path,)), slot)
    assert code == 2
    assert "bad.yar" in str(said[0]["error"])


@pytest.mark.parametrize("memory", [700 * MIB])
def test_a_file_that_needs_too_much_memory_ends_its_scan_and_not_the_process(slot: Slot, memory: int) -> None:
    os.ftruncate(slot.descriptor, memory)
    requests = [{"name": "huge", "size": memory}, {"name": "small", "size": 4}]
    run = subprocess.run(
        [sys.executable, "-m", "proxy.scanning.process", ScanSettings(memory=memory).text(), str(slot.descriptor)],
        pass_fds=(slot.descriptor,),
        input="".join(json.dumps(one) + "\n" for one in requests),
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = [json.loads(line) for line in run.stdout.splitlines()]
    assert said[1] == {"error": "the file needs more memory than a scan may have"}
    assert said[2]["kind"] == "other data"
    assert run.returncode == 0
