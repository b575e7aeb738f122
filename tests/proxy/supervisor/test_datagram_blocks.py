"""The tunnel is told what is blocked when that changes, and again where it could not be told."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from indicators.indicator import Indicator, Origin
from indicators.overlay import Overlay
from indicators.words import Action, IndicatorType
from proxy.policy import LivePolicy
from proxy.published_overlay import publish
from proxy.supervisor import datagram_blocks
from proxy.supervisor.datagram_blocks import DatagramBlocks
from proxy.supervisor.tunnel_desk import TunnelDesk
from tests.proxy.supervisor.test_tunnel_desk import WITH_TUNNEL, Registry

ONE, OTHER = ip_address("9.9.9.9"), ip_address("8.8.8.8")


def blocking(*values: str) -> tuple[Indicator, ...]:
    return tuple(Indicator(one, IndicatorType.IP, Action.BLOCK, Origin("custom", custom=True)) for one in values)


async def test_what_changes_is_told_and_what_fails_is_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(tmp_path / "state")
    desk, backend = registry.desk, registry.backend
    assert isinstance(desk, TunnelDesk)
    policy = LivePolicy(WITH_TUNNEL, registry.state, lambda: datetime(2026, 3, 1, tzinfo=UTC))
    blocks = DatagramBlocks(policy, desk)
    publish(registry.state.overlay, Overlay(2, indicators=blocking("9.9.9.9")))
    await blocks.look()
    assert backend.blocked == [], "the tunnel has not been started"
    await desk.start(())
    backend.broken = "gone for a moment"
    await blocks.look()
    backend.broken = ""
    await blocks.look()
    assert backend.blocked == [(ONE, ONE)]
    backend.blocked = []
    await blocks.look()
    assert backend.blocked == [], "nothing has changed"
    monkeypatch.setattr(datagram_blocks, "MOST", 1)
    publish(registry.state.overlay, Overlay(3, indicators=blocking("9.9.9.9", "8.8.8.8")))
    await blocks.look()
    assert backend.blocked == [(OTHER, OTHER)], "no more than the kernel can hold"
