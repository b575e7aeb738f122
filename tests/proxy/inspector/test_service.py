from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from addons.waivers import Consent
from indicators.observation import Device
from indicators.settings import PolicySettings
from proxy.config.load import LoadedConfig
from proxy.config.model import CollectorConfig, Config, DnsConfig, ProxyConfig
from proxy.control import ControlError
from proxy.inspector import service
from proxy.state import StateDir
from proxy.worker import WorkerContext
from tests.support.browsing import fetch
from tests.support.inspecting import Reports, TestPolicy
from tests.support.sights import indicator

PHONE = Device("d", "phone")
CONSENT = Consent("n", "d", "warned.test", "INC", "warned.test", "/")


class Control:
    """Answer control operations and record them."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def call(self, op: str, **fields: Any) -> dict[str, Any]:
        self.calls.append((op, fields))
        answer = self.answers.get(op, {"ok": True})
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


def config(**more: Any) -> Config:
    return Config(proxy=ProxyConfig(port=0, socks_port=0), **more)


def context(folder: Path, control: Control, given: Config) -> WorkerContext:
    state = StateDir(folder / "state")
    state.prepare()
    secrets = SimpleNamespace(installation_id="here", waiver_key=b"k" * 32)
    return WorkerContext(
        config=LoadedConfig(given, folder / "config.yaml"),
        state=state,
        secrets=secrets,  # type: ignore[arg-type]
        policy=TestPolicy(PolicySettings(), indicator("evil.test")),  # type: ignore[arg-type]
        reporter=Reports(),
        control=control,  # type: ignore[arg-type]
        clock=lambda: datetime.now(UTC),
        stopping=asyncio.Event(),
    )


async def test_it_says_where_it_listens_blocks_and_stops_when_told(tmp_path: Path) -> None:
    control = Control(own_ports={"ok": True, "ports": []})
    given = context(tmp_path, control, config())
    serving = asyncio.create_task(service.serve(given))
    async with asyncio.timeout(20):
        while not control.calls:
            await asyncio.sleep(0.01)
    (op, fields) = control.calls[0]
    assert (op, set(fields["bound"])) == ("ready", {"http_proxy", "socks"})
    port = int(fields["bound"]["http_proxy"].rpartition(":")[2])
    ca = given.state.ca_certificate
    assert (await fetch("https://evil.test/", http=port, trust=ca)).status == 403
    async with asyncio.timeout(5):
        while not any(op == "trust_ca" for op, _ in control.calls):
            await asyncio.sleep(0.01)
    given.stopping.set()
    async with asyncio.timeout(5):
        await serving


async def test_a_port_in_use_ends_it_with_its_reason(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    given = config().model_copy(update={"proxy": ProxyConfig(port=port, socks_port=0)})
    with pytest.raises(OSError, match=f"http_proxy cannot listen on 127.0.0.1:{port}"):
        await service.serve(context(tmp_path, Control(), given))
    server.close()


def test_a_transparent_listener_is_there_when_asked_for() -> None:
    given = config().model_copy(update={"proxy": ProxyConfig(port=1, socks_port=2, transparent_port=3)})
    assert [each.spec for each in service.listeners(given)] == [
        "regular@127.0.0.1:1",
        "socks5@127.0.0.1:2",
        "transparent@127.0.0.1:3",
    ]


def test_the_collectors_port_is_ours_only_when_we_run_it() -> None:
    given = Config(proxy=ProxyConfig(port=1, socks_port=2), dns=DnsConfig(port=3), collector=CollectorConfig(port=4))
    assert service.ports_of(given) == {1, 2, 3, 4}
    elsewhere = given.model_copy(update={"collector": CollectorConfig(url="https://c.test", port=4)})
    assert service.ports_of(elsewhere) == {1, 2, 3}


async def test_own_ports_are_those_configured_and_those_told() -> None:
    given = Config(proxy=ProxyConfig(port=1, socks_port=2), dns=DnsConfig(port=3), collector=CollectorConfig(port=4))
    told = service.OwnPorts(given, Control(own_ports={"ok": True, "ports": [9]}))  # type: ignore[arg-type]
    assert await told() == {1, 2, 3, 4, 9}
    silent = service.OwnPorts(given, Control(own_ports=ControlError("gone")))  # type: ignore[arg-type]
    assert await silent() == {1, 2, 3, 4}


async def test_trust_and_consent_are_told_to_the_supervisor() -> None:
    control = Control()
    await service.Trust(control)(PHONE)  # type: ignore[arg-type]
    await service.Waive(control, 60)(CONSENT)  # type: ignore[arg-type]
    assert control.calls == [
        ("trust_ca", {"device": "d"}),
        (
            "waive",
            {"nonce": "n", "device": "d", "host": "warned.test", "indicator": "warned.test", "seconds": 60},
        ),
    ]


async def test_a_used_form_is_told_from_a_supervisor_that_is_gone() -> None:
    used = service.Waive(Control(waive=ControlError("used")), 60)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="used before"):
        await used(CONSENT)
    gone = service.Waive(Control(waive=ControlError("gone")), 60)  # type: ignore[arg-type]
    with pytest.raises(ControlError, match="gone"):
        await gone(replace(CONSENT, nonce="m"))
