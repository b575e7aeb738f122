"""The front as a whole: its bounds, its end, tunnels that may no longer be, and what happens without an inspector."""

from __future__ import annotations

import asyncio
import contextlib
from ipaddress import ip_address
from typing import Any

import pytest
import structlog

from indicators.classifier import Classifier
from indicators.memory_index import MemoryIndex
from indicators.settings import PolicySettings
from indicators.words import OnError
from proxy.dns.wire import Lookup
from proxy.front.dialing import dial
from proxy.front.front import bound
from proxy.judging_again import end_stopped
from tests.proxy.front.test_client_hello import real_hello
from tests.support.front import KNOWN, Bench, asking, echo, front, indicator, origin, tunnel, welcomed
from tests.support.resolver import until


async def spliced(
    bench: Bench, host: str, port: int, server_name: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    hello = real_hello(server_name or host)
    reader, writer = await tunnel(bench, host, port)
    assert await welcomed(bench, reader)
    writer.write(hello)
    assert await reader.readexactly(len(hello)) == hello
    return reader, writer


def learn(bench: Bench, *values: str) -> None:
    known = MemoryIndex([*KNOWN, *(indicator(value) for value in values)])
    bench.classifier = Classifier(known, (), PolicySettings(bodies=True))
    bench.epoch += 1


async def closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(("listed", "name"), [("a.test", ""), ("fronted.test", "fronted.test")])
async def test_a_tunnel_that_is_blocked_now_is_ended_and_others_stay(listed: str, name: str) -> None:
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:
        reader, _ = await spliced(bench, "a.test", port, name)
        other, writer = await spliced(bench, "b.test", port)
        assert await end_stopped(bench.tunnels.opened(), bench.judge) == []
        learn(bench, listed)
        ended = await end_stopped(bench.tunnels.opened(), bench.judge)
        assert [seen.destination for seen, _ in ended] == ["a.test"]
        assert await closed(reader)
        writer.write(b"still")
        assert await other.readexactly(5) == b"still"
        while len(bench.tunnels) > 1:
            await asyncio.sleep(0)
        writer.close()


@pytest.mark.parametrize("speaks", ["nobody", "the server"])
async def test_a_tunnel_whose_client_says_nothing_is_judged_again_and_ended_too(speaks: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if speaks == "the server":
            writer.write(b"220 mail\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    gone = asyncio.Event()
    async with asyncio.timeout(10), front("http") as bench, origin(serve) as port:
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        if speaks == "the server":
            assert await reader.readexactly(10) == b"220 mail\r\n"
        while not len(bench.tunnels):
            await asyncio.sleep(0.001)
        assert not bench.waiting, "counted once"
        bench.classifier = Classifier(MemoryIndex([*KNOWN, indicator("clean.test")]), (), PolicySettings())
        assert len(await end_stopped(bench.tunnels.opened(), bench.judge)) == 1
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        await gone.wait()
        while len(bench.tunnels) or bench.waiting:
            await asyncio.sleep(0.001)
        writer.close()


@pytest.mark.parametrize("name", ["clean.test", None])
async def test_what_is_blocked_while_the_client_takes_its_time_is_not_passed(
    name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:
        monkeypatch.setattr("proxy.front.passing.CLIENT_FIRST_PORTS", frozenset((port,)))
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        bench.classifier = Classifier(MemoryIndex([*KNOWN, indicator("clean.test")]), (), PolicySettings())
        bench.epoch += 1
        hello = real_hello(name)
        writer.write(hello)
        given, taken = await bench.given.get()
        taken.close()
        assert (given.host, given.data) == ("clean.test", hello), "an inspector shows the page"
        writer.close()
    assert bench.passed == []


async def test_what_is_blocked_while_its_server_is_dialled_is_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:

        async def slowly(*where: Any) -> Any:
            made = await dial(*where)
            bench.classifier = Classifier(MemoryIndex([*KNOWN, indicator("clean.test")]), (), PolicySettings())
            bench.epoch += 1
            return made

        monkeypatch.setattr("proxy.front.passing.CLIENT_FIRST_PORTS", frozenset((port,)))
        monkeypatch.setattr("proxy.front.passing.dial", slowly)
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        writer.write(real_hello("clean.test"))
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
    assert bench.passed == []


async def test_a_destination_that_was_clear_is_judged_anew_when_more_is_known() -> None:
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:
        for _ in range(3):
            _, writer = await spliced(bench, "a.test", port)
            writer.close()
        assert bench.asked == ["a.test"], "judged addresses are remembered"
        learn(bench, "a.test")
        _, writer = await tunnel(bench, "a.test", port)
        _, client = await bench.given.get()
        client.close()
        writer.close()


@pytest.mark.parametrize("learns", [False, True])
async def test_those_who_ask_at_once_are_judged_once_until_more_is_known(learns: bool) -> None:
    async with asyncio.timeout(20), front("http") as bench, origin(echo) as port:
        answered, lookup = asyncio.Event(), bench.lookup

        async def slowly(*asked: Any) -> Any:
            found = await lookup(*asked)
            await answered.wait()
            return found

        bench.lookup = slowly  # type: ignore[method-assign]
        opening = [asyncio.create_task(spliced(bench, "a.test", port)) for _ in range(3)]
        await until(lambda: bench.asked and len(bench.waiting) == 3)
        bench.epoch += learns
        opening.append(asyncio.create_task(spliced(bench, "a.test", port)))
        await until(lambda: len(bench.waiting) == 4 and len(bench.asked) == 1 + learns)
        answered.set()
        for _, writer in await asyncio.gather(*opening):
            writer.close()
        assert bench.asked == ["a.test"] * (1 + learns)


async def test_what_is_remembered_ends_with_the_addresses_lifetime() -> None:
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:
        bench.resolved["brief.test"] = Lookup((ip_address("127.0.0.1"),), ttl=30)
        for at in (0.0, 29.0, 31.0):
            bench.now = at
            _, writer = await spliced(bench, "brief.test", port)
            writer.close()
        assert bench.asked == ["brief.test", "brief.test"]


async def from_(address: str, bench: Bench) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", bench.port, local_addr=(address, 0))


async def spliced_from(address: str, bench: Bench, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await from_(address, bench)
    writer.write(asking(bench, "a.test", port))
    assert await welcomed(bench, reader)
    hello = real_hello("a.test")
    writer.write(hello)
    assert await reader.readexactly(len(hello)) == hello
    return reader, writer


@pytest.mark.parametrize("clients", ["one", "many"])
async def test_beyond_the_bound_the_longest_undecided_client_makes_room(clients: str) -> None:
    address = (f"127.0.0.{number if clients == 'many' else 1}" for number in range(1, 9))
    most = 4 if clients == "one" else 3  # of which a single one has three quarters
    async with asyncio.timeout(10), front("http", most=most) as bench, origin(echo) as port:
        tunnels = [await spliced_from(next(address), bench, port) for _ in range(2)]
        slow, _ = await from_(next(address), bench)
        while len(bench.waiting) < 1:
            await asyncio.sleep(0)
        tunnels.append(await spliced_from(next(address), bench, port))
        assert await closed(slow), "a client that says nothing keeps nobody out"
        turned_away, _ = await from_(next(address), bench)
        assert await closed(turned_away)
        for reader, writer in tunnels:
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            writer.close()


async def test_one_client_cannot_take_the_places_of_all() -> None:
    async with asyncio.timeout(20), front("http", most=8) as bench, origin(echo) as port:
        greedy = [await spliced(bench, "a.test", port) for _ in range(6)]
        with structlog.testing.capture_logs() as said:
            for _ in range(2):
                reader, _ = await asyncio.open_connection("127.0.0.1", bench.port)
                assert await closed(reader), "what is left is for others"
        assert [(each["event"].split()[-3:], each["address"]) for each in said] == [
            (["is", "turned", "away"], "127.0.0.1")
        ], "and the log says so once"
        others = [await spliced_from("127.0.0.2", bench, port) for _ in range(2)]
        for _, writer in (*greedy, *others):
            writer.close()
        while bench.front and (len(bench.front) or bench.front._shares._held):
            await asyncio.sleep(0.01)
        assert await spliced(bench, "a.test", port), "who has left has places again"


async def test_beyond_its_share_a_client_takes_the_place_of_its_own_longest_undecided() -> None:
    async with asyncio.timeout(20), front("http", most=8) as bench:
        other, _ = await from_("127.0.0.2", bench)
        while len(bench.waiting) < 1:
            await asyncio.sleep(0)
        own = []
        for count in range(2, 7):
            own.append(await from_("127.0.0.1", bench))
            while len(bench.waiting) < count:
                await asyncio.sleep(0)
        own.append(await from_("127.0.0.1", bench))
        assert await closed(own[0][0])
        assert [each.address for each in bench.waiting] == ["127.0.0.2", *["127.0.0.1"] * 5]
        assert not other.at_eof()


@pytest.mark.parametrize("host", ["evil.test", "a.test"])
async def test_a_place_is_free_again_however_its_client_left(host: str) -> None:
    async with asyncio.timeout(20), front("http") as bench, origin(echo) as port:
        assert bench.front is not None
        _, writer = await tunnel(bench, host, port)
        if host == "evil.test":
            _, sock = await bench.given.get()
            sock.close()
        else:
            while not len(bench.tunnels):
                writer.write(real_hello(host))
                await asyncio.sleep(0.01)
            assert bench.front._shares._held == {"127.0.0.1": 1}
        writer.close()
        while bench.front._shares._held:
            await asyncio.sleep(0.01)


async def test_closing_waits_for_tunnels_then_cuts_them() -> None:
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:
        reader, writer = await spliced(bench, "a.test", port)
        undecided, _ = await asyncio.open_connection("127.0.0.1", bench.port)
        assert bench.front is not None
        closing = asyncio.create_task(bench.front.close(drain=60))
        writer.write(b"last")
        assert await reader.readexactly(4) == b"last"
        assert not closing.done()
        writer.close()
        await closing
        assert await closed(undecided)
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:
        reader, writer = await spliced(bench, "a.test", port)
        assert bench.front is not None
        await bench.front.close(drain=0)
        assert await closed(reader)
        writer.close()


@pytest.mark.parametrize("listener", ["http", "socks"])
@pytest.mark.parametrize(
    ("host", "on_error", "passes"),
    [
        ("partly.test", OnError.OPEN, True),
        ("partly.test", OnError.CLOSED, False),
        ("evil.test", OnError.OPEN, False),
        ("nowhere.test", OnError.OPEN, False),
        ("foo.09", OnError.OPEN, False),
    ],
)
async def test_without_an_inspector_the_policy_decides(
    listener: str, host: str, on_error: OnError, passes: bool
) -> None:
    hello = real_hello(host)
    async with asyncio.timeout(10), front(listener, on_error=on_error) as bench, origin(echo) as port:
        bench.trusted = bench.inspector_is_gone = True
        bench.resolved["nowhere.test"] = Lookup()
        reader, writer = await tunnel(bench, host, port)
        if passes:
            assert await welcomed(bench, reader)
            writer.write(hello)
            assert await reader.readexactly(len(hello)) == hello
        else:
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 503 " if listener == "http" else b"\x05\x01")
        writer.close()


async def test_without_an_inspector_a_blocked_name_in_the_hello_still_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with asyncio.timeout(10), front("http", on_error=OnError.OPEN) as bench, origin(echo) as port:
        monkeypatch.setattr("proxy.front.passing.CLIENT_FIRST_PORTS", frozenset((port,)))
        bench.inspector_is_gone = True
        reader, writer = await tunnel(bench, "clean.test", port)
        assert await welcomed(bench, reader)
        writer.write(real_hello("evil.test"))
        assert await closed(reader)
        writer.close()


async def test_a_request_in_plain_http_waits_for_no_splice() -> None:
    async with asyncio.timeout(10), front("http", on_error=OnError.OPEN) as bench:
        bench.inspector_is_gone = True
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        writer.close()


async def test_a_client_that_half_closes_is_served_to_the_end() -> None:
    hello = real_hello("a.test")
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:
        reader, writer = await tunnel(bench, "a.test", port)
        writer.write(hello)
        writer.write_eof()
        assert await welcomed(bench, reader)
        assert await reader.read() == hello
        writer.close()


async def test_a_user_agent_in_connect_is_told() -> None:
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        writer.write(f"CONNECT a.test:{port} HTTP/1.1\r\nHost: a.test\r\nUser-Agent: curl/8\r\n\r\n".encode())
        assert await welcomed(bench, reader)
        writer.close()
    assert bench.agents == ["curl/8"]


def test_an_address_in_use_is_named() -> None:
    with bound("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            bound("127.0.0.1", port)
    with bound("::1", 0) as six:
        assert six.getsockname()[0] == "::1"


async def test_the_tunnels_of_a_device_that_is_gone_end_and_others_stay() -> None:
    async with asyncio.timeout(10), front("http") as bench, origin(echo) as port:
        reader, _ = await spliced(bench, "a.test", port)
        assert bench.tunnels.end(lambda device: device.id == "somebody else") == 0
        assert bench.tunnels.end(lambda device: device.id == "d1") == 1
        assert await closed(reader)
