"""What an inspector tells, as signs; what the front tells is in tests/proxy/front/test_watching.py."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from indicators.coverage import Sign
from proxy.radar.gathering import read_signs
from proxy.radar.signs import Signs
from tests.proxy.front.test_watching import PHONE, Counting


def test_a_name_within_a_connection_is_no_connection_of_its_own(tmp_path: Path) -> None:
    watch = Counting(tmp_path)
    signs = Signs(watch)
    signs.named(PHONE, "www.example")
    signs.named(PHONE, "us1.nordvpn.com")
    assert (watch.connections, watch.signs) == (0, [(Sign.OTHER_VPN, "us1.nordvpn.com")])


def test_who_asks_for_names_is_noted(tmp_path: Path) -> None:
    watch = Counting(tmp_path)
    Signs(watch).asks(PHONE)
    watch._put(watch._taken())
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert read_signs(tmp_path, now)["phone"].seen.dns == now


def test_a_destination_without_what_our_dns_knows_is_not_called_unnamed(tmp_path: Path) -> None:
    watch = Counting(tmp_path)
    signs = Signs(watch)
    signs.came(PHONE, "8.8.8.8", 443)
    signs.came(PHONE, "8.8.8.8", 1194)
    assert (watch.connections, watch.signs) == (2, [(Sign.OTHER_VPN, "8.8.8.8 port 1194")])
