"""The way by rules, up to the kernel: with real rules, see `test_in_the_kernel.py`."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from proxy import endpoints
from proxy.config.model import Config
from proxy.dns.system_resolvers import SystemResolvers
from proxy.firewall.plan import PlanError
from proxy.protect import by_rules, shield
from proxy.protect.by_rules import ByRules, require_no_loop
from proxy.protect.rules import Shield
from proxy.protect.way import Found, ProtectError, State


@pytest.fixture
def config(tmp_path: Path) -> Config:
    endpoints.write(
        tmp_path / "endpoints.json", {"pid": os.getpid(), "transparent": "127.0.0.1:4443", "dns": "127.0.0.1:5053"}
    )
    return Config.model_validate(
        {"state_dir": tmp_path, "proxy": {"transparent_port": 0}, "dns": {"upstreams": ["192.0.2.53"]}}
    )


def test_rules_are_those_of_the_running_gateway(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[Shield] = []
    monkeypatch.setattr(shield, "put_up", put.append)
    other = SimpleNamespace(uids=lambda: SimpleNamespace(effective=990))
    monkeypatch.setattr(by_rules.psutil, "Process", lambda pid: other if pid == os.getpid() else None)  # type: ignore[attr-defined]
    ByRules().put_up(config)
    assert (put[0].uid, put[0].port) == (990, 4443)


def test_a_gateway_that_has_gone_is_said(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(pid: int) -> None:
        raise psutil.NoSuchProcess(pid)

    monkeypatch.setattr(by_rules.psutil, "Process", gone)  # type: ignore[attr-defined]
    with pytest.raises(ProtectError, match=r"no longer exists|not found|PID"):
        ByRules().put_up(config)


def test_the_rest_is_the_shields(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    stands = Found(State.PROTECTED, applied=True, intercepted=True)
    monkeypatch.setattr(shield, "take_down", lambda: taken.append(True))
    monkeypatch.setattr(shield, "look", lambda: stands)
    ByRules().take_down()
    assert (taken, ByRules().look()) == ([True], stands)
    assert "unprotected" in ByRules().after_crash("open")
    assert ByRules().after_crash("closed") == "closed: nothing goes out"


@pytest.mark.parametrize("nameserver", ["127.0.0.53", "::1"])
def test_a_resolver_on_this_computer_would_ask_in_circles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nameserver: str
) -> None:
    path = tmp_path / "resolv.conf"
    monkeypatch.setattr(by_rules, "SystemResolvers", partial(SystemResolvers, path=path))
    path.write_text("nameserver 192.0.2.53\n")
    require_no_loop(["system"])
    path.write_text(f"nameserver {nameserver}\n")
    require_no_loop(["192.0.2.53"])
    with pytest.raises(PlanError, match="would ask the gateway in turn"):
        require_no_loop(["system"])
