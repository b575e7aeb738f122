"""A whole run with an emulator attached: when the gateway ends, the emulator has its former setting back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proxy.emulator import Adb, attach, attached, record_of
from tests.proxy.test_emulator import Bench
from tests.support.gateway import running_gateway


async def test_what_was_attached_is_detached_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench").mkdir()
    bench = Bench(tmp_path / "bench")
    monkeypatch.setenv("PATH", f"{bench.folder}:{os.environ['PATH']}")
    async with running_gateway(tmp_path) as gateway:
        port = int(gateway.endpoints["http_proxy"].rpartition(":")[2])
        record = record_of(gateway.state.root)
        attach(Adb(), None, port, Path(gateway.endpoints["ca"]), record)
        assert bench.setting == f"10.0.2.2:{port}"
    assert bench.setting == ":0"
    assert attached(record) == []
