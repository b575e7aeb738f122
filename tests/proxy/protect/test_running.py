from __future__ import annotations

from pathlib import Path

import pytest

from proxy import endpoints
from proxy.config.model import Config
from proxy.protect.running import running_endpoints
from proxy.protect.way import ProtectError


def test_a_gateway_that_runs_says_where(tmp_path: Path) -> None:
    endpoints.write(tmp_path / "endpoints.json", {"socks": "127.0.0.1:1"})
    assert running_endpoints(Config(state_dir=tmp_path)) == {"socks": "127.0.0.1:1"}


def test_without_one_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProtectError, match="no gateway is running"):
        running_endpoints(Config(state_dir=tmp_path))


def test_who_may_not_know_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> dict[str, object]:
        raise PermissionError(path)

    monkeypatch.setattr(endpoints, "read", refused)
    with pytest.raises(ProtectError, match="with sudo"):
        running_endpoints(Config(state_dir=tmp_path))
