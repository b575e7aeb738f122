from __future__ import annotations

from ipaddress import ip_address

import pytest

from addons.own_ports import OwnPorts, interface_addresses
from indicators.words import Enforcement
from tests.addons.conftest import Start
from tests.support.browsing import RefusedError, fetch
from tests.support.inspecting import Led

SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "0.0.0.0",
    "0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "2130706433",
    "0x7f.1",
    "017700000001",
    "127.0.0.53",
    "good.test",
]


@pytest.mark.parametrize("host", SPELLINGS)
async def test_our_own_port_is_refused_in_every_spelling_on_every_listener(start: Start, host: str) -> None:
    gateway, site = await start()
    gateway.own.add(site.http_port)  # a service of the gateway that would answer
    url = f"http://{host}:{site.http_port}/healthz"
    assert (await fetch(url, http=gateway.http)).status == 403
    tunnel = url.replace("http", "https", 1)
    with pytest.raises(RefusedError) as connect:
        await fetch(tunnel, http=gateway.http)
    with pytest.raises(RefusedError) as socks:
        await fetch(tunnel, socks=gateway.socks)
    assert (connect.value.status, socks.value.status) == (403, 2)
    assert site.connections == 0
    assert {done for _, done in gateway.reports.done} <= {Enforcement.PAGE, Enforcement.RESET}


async def test_the_proxys_own_listeners_are_refused(start: Start) -> None:
    gateway, _ = await start()
    for port in gateway.http, gateway.socks:
        assert (await fetch(f"http://127.0.0.1:{port}/", http=gateway.http)).status == 403
        with pytest.raises(RefusedError):
            await fetch(f"http://localhost:{port}/", socks=gateway.socks)


async def test_an_interface_address_and_a_name_that_leads_there_are_refused(start: Start) -> None:
    gateway, site = await start()
    gateway.own.add(site.http_port)
    others = [each for each in interface_addresses() if each.version == 4 and not each.is_loopback]
    for address in others:
        assert (await fetch(f"http://{address}:{site.http_port}/", http=gateway.http)).status == 403
        gateway.resolver.known["good.test"] = Led((ip_address("192.0.2.1"), address))
        assert (await fetch(f"http://good.test:{site.http_port}/", http=gateway.http)).status == 403
    assert site.connections == 0


async def test_other_ports_of_this_machine_are_reached(start: Start) -> None:
    gateway, site = await start()
    assert (await fetch(f"http://localhost:{site.http_port}/", http=gateway.http)).status == 200


class Ports:
    def __init__(self, *answers: frozenset[int] | Exception) -> None:
        self.answers = list(answers)

    async def __call__(self) -> frozenset[int]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def own(ports: Ports, *addresses: str) -> OwnPorts:
    return OwnPorts(ports, lambda: 0.0, lambda: frozenset(map(ip_address, addresses)))


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("192.0.2.7", True),
        ("::ffff:192.0.2.7", True),
        ("64:ff9b::c000:207", True),
        ("2001:db8::7", True),
        ("0.1.2.3", True),
        ("::", True),
        ("192.0.2.8", False),
        ("2001:db8::8", False),
    ],
)
async def test_which_addresses_are_ours(address: str, ours: bool) -> None:
    known = own(Ports(frozenset((80,))), "192.0.2.7", "2001:db8::7")
    assert await known.holds([ip_address(address)], 80) is ours


async def test_ports_that_cannot_be_asked_for_are_those_of_the_last_answer_and_all_before_the_first() -> None:
    known = own(Ports(OSError("down"), frozenset((80,)), RuntimeError("down"), ValueError("odd")))
    loopback = [ip_address("127.0.0.1")]
    assert await known.holds(loopback, 9999)
    assert not await known.holds(loopback, 9999)
    assert not await known.holds(loopback, 9999)
    assert await known.holds(loopback, 80)


async def test_interfaces_are_read_again_after_a_while() -> None:
    now, answers = [0.0], [frozenset(), frozenset((ip_address("192.0.2.7"),))]
    known = OwnPorts(Ports(*[frozenset((80,))] * 3), lambda: now[0], lambda: answers.pop(0))
    assert not await known.holds([ip_address("192.0.2.7")], 80)
    assert not await known.holds([ip_address("192.0.2.7")], 80)
    now[0] = 11.0
    assert await known.holds([ip_address("192.0.2.7")], 80)


def test_this_machine_has_loopback() -> None:
    assert ip_address("127.0.0.1") in interface_addresses()
