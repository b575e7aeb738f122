"""What passages and hellos are signs of, by table; GREASE is none."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from indicators.coverage import Sign
from indicators.observation import Device
from proxy.front.crossing import Passage
from proxy.front.watching import Watching
from proxy.radar.watch import Watch

PHONE = Device("phone", "a phone")
CLEAR: dict[str, Any] = {"clear": True, "addresses": (ip_address("192.0.2.1"),)}


class Counting(Watch):
    """Keep the signs as they are told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "front", lambda: datetime(2026, 3, 2, tzinfo=UTC))
        self.signs: list[tuple[Sign, str]] = []
        self.connections = 0

    def connection(self, device: Device) -> None:
        self.connections += 1

    def sign(self, device: Device, sign: Sign, host: str = "") -> None:
        self.signs.append((sign, host))


@pytest.mark.parametrize(
    ("passage", "signs"),
    [
        (Passage(PHONE, "www.example", 443, **CLEAR), []),
        (Passage(PHONE, "dns.google", 443, **CLEAR), [(Sign.OTHER_DNS, "dns.google")]),
        (Passage(PHONE, "us1.nordvpn.com", 443), [(Sign.OTHER_VPN, "us1.nordvpn.com")]),
        (Passage(PHONE, "www.example", 1194, **CLEAR), [(Sign.OTHER_VPN, "www.example")]),
        (Passage(PHONE, "8.8.8.8", 443, **CLEAR), [(Sign.UNNAMED, "8.8.8.8")]),
        (Passage(PHONE, "8.8.8.8", 443, names=("a.example",), **CLEAR), []),
        (Passage(PHONE, "8.8.8.8", 443), []),  # it is for the inspector, and its names were not asked for
        (Passage(PHONE, "10.0.0.8", 443, **CLEAR), []),  # a neighbour
        (
            Passage(PHONE, "8.8.8.8", 1194, **CLEAR),
            [(Sign.OTHER_VPN, "8.8.8.8 port 1194"), (Sign.UNNAMED, "8.8.8.8")],
        ),
    ],
)
def test_a_connection(tmp_path: Path, passage: Passage, signs: list[tuple[Sign, str]]) -> None:
    watch = Counting(tmp_path)
    Watching(watch).came(passage)
    assert (watch.connections, watch.signs) == (1, signs)


@pytest.mark.parametrize(
    ("name", "contradicts", "ech", "signs"),
    [
        ("www.example", False, False, []),
        ("www.example", False, True, []),  # GREASE, beside the true name
        ("other.example", True, False, [(Sign.MISMATCH, "other.example")]),
        ("other.example", True, True, [(Sign.ECH, "other.example")]),
        ("cloudflare-ech.com", False, True, [(Sign.ECH, "cloudflare-ech.com")]),
        ("cloudflare-ech.com", False, False, []),
    ],
)
def test_a_hello(tmp_path: Path, name: str, contradicts: bool, ech: bool, signs: list[tuple[Sign, str]]) -> None:
    watch = Counting(tmp_path)
    Watching(watch).said(Passage(PHONE, "www.example", 443), name, contradicts, ech)
    assert watch.signs == signs
