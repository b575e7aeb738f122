"""Phones behind a real gateway's tunnel: the same tests for each backend. Nothing of one backend alone stands here.

A phone is a namespace whose traffic goes through wireguard-go; the internet is another namespace.
"""

from __future__ import annotations

import hashlib
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.namespaces import ORIGIN, Network
from tests.support.phones import Phone, another_place, phone
from tests.support.tunnel_gateway import (
    DOWNLOAD,
    INNER,
    LISTED,
    TunnelGateway,
    ask,
    needs_tunnels,
    tunnel_network,
    until,
)

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

# Downloads without an end, and says so at every 100,000 bytes.
STEPS = """
import socket, sys
with socket.create_connection((sys.argv[1], 80), timeout=60) as one:
    one.sendall(b"GET /endless HTTP/1.1\\r\\nHost: good.test\\r\\n\\r\\n")
    got = told = 0
    while data := one.recv(65536):
        got += len(data)
        while got >= told + 100_000:
            told += 100_000
            print(told, flush=True)
"""
_NEW_KEYS = 120  # seconds: a client keeps to a session that nobody knows any more for about fifteen


@dataclass(frozen=True)
class Here:
    """Hold one backend's gateway, the network around it, a phone that has a tunnel, and what it was told."""

    backend: str
    lan: Network
    gateway: TunnelGateway
    handset: Phone
    told: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module", params=["kernel", "userspace"])
def here(request: pytest.FixtureRequest, require_program: Callable[..., str]) -> Iterator[Here]:
    needs_tunnels(require_program)
    with tempfile.TemporaryDirectory() as text, tunnel_network(Path(text)) as lan:
        folder = Path(text)
        gateway = TunnelGateway(lan.gateway, folder, request.param)
        with gateway.running():
            told = gateway.add("phone")
            with phone(lan.phone, told, folder) as handset:
                yield Here(request.param, lan, gateway, handset, told, folder)


def test_listed_hosts_are_blocked_and_others_pass_with_their_own_certificate(here: Here) -> None:
    own = hashlib.sha256(ssl.PEM_cert_to_DER_cert((here.folder / "good.pem").read_text())).hexdigest()
    for version in (4, 6):
        to = ORIGIN[version]
        good, evil, sni, path, listed = ask(
            here.handset,
            f"tls {to} good.test",
            f"http {to} evil.test",
            f"tls {to} sni.test",
            f"tls {to} paths.test /bad",
            f"http {LISTED[version]} good.test",
        )
        assert good == f"200 {own}"
        assert evil == "403"
        assert sni.partition(" ")[0] in ("403", "refused")
        assert path.partition(" ")[0] == "403"
        assert listed == "403"


def test_names_are_answered_by_the_gateway_whomever_a_phone_asks(here: Here) -> None:
    assert ask(
        here.handset,
        f"dns {INNER[4]} good.test",
        f"dns {ORIGIN[4]} good.test",
        f"tcpdns {ORIGIN[4]} good.test AAAA",
        f"dns {INNER[6]} good.test",
        f"tcpdns {INNER[6]} good.test",
        f"dns {ORIGIN[6]} good.test AAAA",
    ) == ["203.0.113.10", "203.0.113.10", "2001:db8:1::10", "203.0.113.10", "203.0.113.10", "2001:db8:1::10"]


def test_a_blocked_name_leads_to_the_page_inside_the_tunnel(here: Here) -> None:
    assert ask(
        here.handset,
        f"dns {ORIGIN[4]} evil.test",
        f"dns {INNER[6]} evil.test AAAA",
        f"http {INNER[4]} evil.test",
        f"http {INNER[6]} evil.test",
        f"http {INNER[4]} seawall.internal",
    ) == [INNER[4], INNER[6], "403", "403", "200"]


def test_what_would_go_past_the_gateway_is_refused_and_calls_pass(here: Here) -> None:
    for version in (4, 6):
        to = ORIGIN[version]
        questions = (f"udp {to} 9999", f"udp {to} 443", f"udp {to} 853", f"http {to} good.test 853")
        assert ask(here.handset, *questions) == ["world", "refused", "refused", "refused"]


def test_datagrams_to_a_blocked_address_are_stopped_until_it_is_not_blocked(here: Here) -> None:
    for version in (4, 6):
        until(lambda to=LISTED[version]: ask(here.handset, f"udp {to} 9999") == ["refused"])  # type: ignore[misc]
        assert ask(here.handset, f"udp {ORIGIN[version]} 9999") == ["world"], "others pass"
    text = here.gateway.config.read_text()
    blocked = f"""  - block: [{LISTED[4]}, "{LISTED[6]}"]\n"""
    assert blocked in text
    here.gateway.config.write_text(text.replace(blocked, ""))
    try:
        for version in (4, 6):
            until(lambda to=LISTED[version]: ask(here.handset, f"udp {to} 9999") == ["world"])  # type: ignore[misc]
    finally:
        here.gateway.config.write_text(text)
    until(lambda: ask(here.handset, f"udp {LISTED[4]} 9999") == ["refused"])


def test_the_gateway_itself_and_its_neighbours_are_out_of_reach(here: Here) -> None:
    questions = [f"http 10.77.0.1 good.test {port}" for port in here.gateway.ports().values()]
    questions += ["http 10.78.0.2 good.test", "http 127.0.0.1 good.test 80", "udp 10.78.0.2 9999"]
    met = ask(here.handset, *questions)
    assert {one for one in met if one not in ("refused", "403", "502")} == set()


def test_a_device_that_is_added_disturbs_nobody_and_a_revoked_one_ends_at_once(here: Here) -> None:
    second = here.gateway.add("second")
    with (
        another_place(here.lan) as place,
        phone(place, second, here.folder) as other,
        here.handset.namespace.started(DOWNLOAD, ORIGIN[4]) as staying,
        place.started(DOWNLOAD, ORIGIN[4]) as going,
    ):
        assert staying.stdout is not None
        assert going.stdout is not None
        assert staying.stdout.readline().strip() == "runs"
        assert going.stdout.readline().strip() == "runs"
        third = here.gateway.add("third")
        assert not set(third["addresses"]) & {*here.told["addresses"], *second["addresses"]}
        here.gateway.call("device_revoke", device="second")
        assert going.stdout.readline().strip() == "ended"
        assert ask(other, f"udp {ORIGIN[4]} 9999") == ["refused"]
        assert staying.poll() is None, "nobody else is disturbed"
        assert ask(here.handset, f"http {ORIGIN[4]} good.test") == ["200"]


def test_a_device_that_poses_with_anothers_address_is_not_taken_for_it_and_disturbs_nobody(here: Here) -> None:
    posing = here.gateway.add("posing")
    addresses = here.told["addresses"]
    with (
        another_place(here.lan) as place,
        phone(place, posing, here.folder, addresses=addresses) as other,
        here.handset.namespace.started(DOWNLOAD, ORIGIN[4]) as staying,
    ):
        assert staying.stdout is not None
        assert staying.stdout.readline().strip() == "runs"
        (met,) = ask(other, f"http {ORIGIN[4]} posing.evil.test")
        assert met in ("403", "refused")
        assert staying.poll() is None
        assert ask(here.handset, f"http {ORIGIN[4]} good.test", f"http {ORIGIN[4]} own.evil.test") == ["200", "403"]
    until(lambda: here.gateway.devices_reported_for("own.evil.test"))
    assert here.gateway.devices_reported_for("own.evil.test") == {here.told["id"]}
    as_itself = {posing["id"]} if met == "403" else set()
    assert here.gateway.devices_reported_for("posing.evil.test") == as_itself


def test_a_device_whose_keys_are_rotated_comes_by_the_new_ones_alone(here: Here) -> None:
    old = here.gateway.add("changing")
    new = {**here.gateway.call("device_rotate", device="changing")["tunnel"], "id": old["id"]}
    assert new["addresses"] == old["addresses"]
    with another_place(here.lan) as place:
        with phone(place, old, here.folder) as late:
            assert ask(late, f"udp {ORIGIN[4]} 9999") == ["refused"]
        with phone(place, new, here.folder) as current:
            until(lambda: ask(current, f"udp {ORIGIN[4]} 9999") == ["world"], _NEW_KEYS)


def test_what_is_open_ends_when_it_is_blocked_and_all_else_goes_on(here: Here) -> None:
    text = here.gateway.config.read_text()
    with (
        here.handset.namespace.started(DOWNLOAD, ORIGIN[4], "later.test") as going,
        here.handset.namespace.started(DOWNLOAD, ORIGIN[6]) as staying,
    ):
        assert going.stdout is not None
        assert staying.stdout is not None
        assert going.stdout.readline().strip() == "runs"
        assert staying.stdout.readline().strip() == "runs"
        here.gateway.config.write_text(text.replace("  - block: evil.test\n", "  - block: [evil.test, later.test]\n"))
        try:
            assert going.stdout.readline().strip() == "ended"
            assert staying.poll() is None
        finally:
            here.gateway.config.write_text(text)


def test_a_phone_that_changes_its_network_keeps_its_connections(here: Here) -> None:
    def endpoint() -> str:
        [one] = [one for one in here.gateway.call("devices")["devices"] if one["name"] == "phone"]
        return str((one["tunnel"] or {}).get("endpoint", ""))

    def move(old: str, new: str) -> None:
        assert here.lan.phone.run("ip", "addr", "del", f"{old}/24", "dev", "up0").returncode == 0
        assert here.lan.phone.run("ip", "addr", "add", f"{new}/24", "dev", "up0").returncode == 0

    with here.handset.namespace.started(STEPS, ORIGIN[4]) as staying:
        assert staying.stdout is not None
        assert staying.stdout.readline().strip() == "100000"
        assert endpoint().startswith("10.77.0.2:")
        move("10.77.0.2", "10.77.0.9")
        try:
            for _ in range(30):  # far more than what may be under way
                assert staying.stdout.readline().strip().endswith("00000"), "the download goes on"
            assert ask(here.handset, f"http {ORIGIN[4]} good.test", f"dns {INNER[4]} good.test") == ["200", ORIGIN[4]]
            until(lambda: endpoint().startswith("10.77.0.9:"))
        finally:
            move("10.77.0.9", "10.77.0.2")


def test_the_gateway_tells_when_each_device_was_heard(here: Here) -> None:
    ask(here.handset, f"http {ORIGIN[4]} good.test")
    here.gateway.add("silent")
    listed = {one["name"]: one for one in here.gateway.call("devices")["devices"]}
    assert listed["phone"]["tunnel"]["handshake"]
    assert not (listed["silent"]["tunnel"] or {}).get("handshake")


def test_the_radar_hears_of_connections_in_the_tunnel(here: Here) -> None:
    ask(here.handset, f"dns {INNER[4]} good.test", f"http {ORIGIN[4]} good.test")

    def seen() -> bool:
        found = {one["device"]: one for one in here.gateway.call("coverage")["coverage"]}
        one = found.get(here.told["id"], {})
        return bool(one and one["last_dns"] and one["last_connection"] and one["last_handshake"] and one["protected"])

    until(seen, 90)
