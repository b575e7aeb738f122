from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from addons.chain import chain
from addons.services import Services
from addons.waivers import Consent
from indicators.observation import Device, Observation
from indicators.settings import PolicySettings
from indicators.words import Enforcement, Stage
from proxy import judging_again
from proxy.config.load import LoadedConfig
from proxy.config.model import Config
from proxy.config.sections.proxy import ProxyConfig
from proxy.control import ControlError
from proxy.inspector import service
from proxy.state import StateDir
from proxy.worker import WorkerContext
from tests.support.browsing import fetch
from tests.support.handing_over import handing_over
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
    secrets = SimpleNamespace(installation_id="here", waiver_key=b"k" * 32, device_key=b"d" * 32)
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


async def test_it_blocks_what_is_handed_to_it_and_stops_when_told(tmp_path: Path) -> None:
    control = Control(own_ports={"ok": True, "ports": []})
    given = context(tmp_path, control, config())
    serving = asyncio.create_task(service.serve(given))
    async with asyncio.timeout(20):
        while ("ready", {"bound": {}}) not in control.calls:
            await asyncio.sleep(0.01)
    async with handing_over(given.state.inspector_socket, PHONE) as port:
        answer = await fetch("https://evil.test/", http=port, trust=given.state.ca_certificate)
    assert answer.status == 403
    assert given.work.done > 0, "what it does is told, so that its CPU can be understood"
    async with asyncio.timeout(20):
        while ("trust_ca", {"device": PHONE.id}) not in control.calls:
            await asyncio.sleep(0.01)
    given.stopping.set()
    async with asyncio.timeout(20):
        await serving
    assert not given.state.inspector_socket.exists()


async def test_what_passes_and_is_blocked_now_is_ended_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Services] = []

    def keep(services: Services) -> list[object]:
        kept.append(services)
        return chain(services)

    monkeypatch.setattr(service, "chain", keep)
    monkeypatch.setattr(judging_again, "LOOK", 0.01)
    given = context(tmp_path, Control(), config())
    policy: Any = given.policy
    reports: Any = given.reporter
    async with service.joined(given), asyncio.timeout(20):
        kept[0].passing.note("a flow", "a client that has gone", Observation(Stage.TLS, PHONE, hosts=("clean.test",)))
        policy.use([indicator("clean.test")])
        policy.epoch += 1
        while not reports.done:
            await asyncio.sleep(0.01)
    assert reports.done == [("clean.test", Enforcement.RESET)]


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
