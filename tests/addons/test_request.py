from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from ipaddress import ip_address

import h2.connection
import h2.events
import pytest

from indicators.device_signs import Sign, SignKind
from indicators.indicator import Indicator
from indicators.settings import PolicySettings
from indicators.words import Action, Enforcement, IndicatorType, Mode, Stage
from tests.addons.conftest import Start
from tests.support.browsing import Line, RefusedError, fetch, line
from tests.support.inspecting import Led
from tests.support.sights import CUSTOM, FEED, indicator

BAD_PATH = indicator("mixed.test/bad")
EVIL = indicator("evil.test")


async def test_each_request_of_a_kept_alive_connection_is_judged(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with line(f"http://mixed.test:{site.http_port}/", http=gateway.http) as opened:
        assert (await opened.ask("/good")).status == 200
        assert (await opened.ask("/bad/page?x=1")).status == 403
        assert (await opened.ask("/good")).status == 200
    assert site.paths == ["/good", "/good"]


async def test_a_listed_path_is_blocked_under_our_ca_where_the_device_trusts_it(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    gateway.trust()
    async with line(f"https://mixed.test:{site.https_port}/", http=gateway.http, trust=gateway.ca) as opened:
        assert opened.certificate != site.der
        assert (await opened.ask("/good")).status == 200
        assert (await opened.ask("/bad")).status == 403
    assert site.paths == ["/good"]
    assert gateway.reports.done == [("mixed.test", Enforcement.PAGE)]


async def test_a_host_with_a_listed_path_is_spliced_for_a_device_that_does_not_trust_us(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with line(f"https://mixed.test:{site.https_port}/", http=gateway.http, trust=site.certificate) as opened:
        assert opened.certificate == site.der
        assert (await opened.ask("/bad")).status == 200


@pytest.mark.parametrize("door", ["http", "socks"])
async def test_a_listed_path_of_a_host_without_an_address_is_blocked_without_a_lookup(start: Start, door: str) -> None:
    gateway, _ = await start(indicator("nowhere.test/bad", always_inspect=True))
    address = {door: getattr(gateway, door)}
    assert (await fetch("https://nowhere.test/bad", trust=gateway.ca, **address)).status == 403
    assert gateway.resolver.asked == []
    assert (await fetch("https://nowhere.test/other", trust=gateway.ca, **address)).status == 502
    assert gateway.resolver.asked == ["nowhere.test"]


async def test_one_allowed_path_under_a_blocked_host_is_reached_by_a_device_that_trusts_us(start: Start) -> None:
    gateway, site = await start(EVIL, indicator("evil.test/fine", Action.ALLOW, CUSTOM))
    gateway.trust()
    async with line(f"https://evil.test:{site.https_port}/", http=gateway.http, trust=gateway.ca) as opened:
        assert (await opened.ask("/else")).status == 403
        assert (site.connections, gateway.resolver.asked) == (0, [])
        assert (await opened.ask("/fine")).status == 200
    assert site.paths == ["/fine"]


@pytest.mark.parametrize("named", ["evil.test", "EVIL.test:80", "www.evil.test."])
async def test_the_host_header_is_judged_too(start: Start, named: str) -> None:
    gateway, site = await start(EVIL)
    async with line(f"http://good.test:{site.http_port}/", http=gateway.http) as opened:
        assert (await opened.ask("/", host=named)).status == 403
    assert site.requests == []


async def test_a_path_listed_on_the_dialled_host_is_found_behind_another_host_header(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with line(f"http://mixed.test:{site.http_port}/", http=gateway.http) as opened:
        assert (await opened.ask("/bad", host="good.test")).status == 403
    assert site.requests == []


@pytest.mark.parametrize("named", ["a b", "ex ample.test", "%00", "[::1"])
async def test_a_host_header_that_is_no_host_is_a_400(start: Start, named: str) -> None:
    gateway, site = await start()
    async with line(f"http://good.test:{site.http_port}/", http=gateway.http) as opened:
        assert (await opened.ask("/", host=named)).status == 400
    assert site.requests == []


async def test_a_program_gets_json_and_head_gets_no_body(start: Start) -> None:
    gateway, site = await start(EVIL)
    url = f"http://evil.test:{site.http_port}/x"
    answer = await fetch(url, http=gateway.http, headers={"Accept": "application/json"})
    assert (answer.status, json.loads(answer.text)["category"]) == (403, "phishing")
    async with line(url, http=gateway.http) as opened:
        head = await opened.ask("/x", method="HEAD")
        assert (head.status, head.body) == (403, b"")
        assert int(head.headers["content-length"]) > 1000
        assert (await opened.ask("/x")).status == 403


async def test_a_body_is_streamed_to_where_it_may_go(start: Start) -> None:
    gateway, site = await start()
    body = b"x" * 3_000_000
    answer = await fetch(
        f"http://good.test:{site.http_port}/up", http=gateway.http, method="POST", body=body[:1_000_000]
    )
    assert answer.status == 200
    assert len(site.requests[0].body) == 1_000_000


async def test_a_small_body_to_a_blocked_host_gets_the_page_and_a_large_one_an_end(start: Start) -> None:
    gateway, site = await start(EVIL)
    url = f"http://evil.test:{site.http_port}/up"
    assert (await fetch(url, http=gateway.http, method="POST", body=b"x" * 1000)).status == 403
    with pytest.raises((ConnectionError, BrokenPipeError)):
        await fetch(url, http=gateway.http, method="POST", body=b"x" * 2_000_000)
    assert [done for _, done in gateway.reports.done] == [Enforcement.PAGE, Enforcement.RESET]
    assert (site.connections, gateway.resolver.asked) == (0, [])


async def test_the_same_block_a_moment_later_is_counted_not_told_anew(start: Start) -> None:
    gateway, site = await start(EVIL)
    pages = [await fetch(f"http://evil.test:{site.http_port}/x", http=gateway.http) for _ in range(3)]
    assert [("INC-1" in page.text) for page in pages] == [True] * 3
    assert (len(gateway.reports.events), gateway.reports.repeats) == (1, ["INC-1", "INC-1"])
    await fetch(f"http://evil.test:{site.http_port}/y", http=gateway.http)
    assert len(gateway.reports.events) == 2


async def test_audit_mode_lets_pass_and_says_what_it_would_have_done(start: Start) -> None:
    gateway, site = await start(EVIL, settings=PolicySettings(mode=Mode.AUDIT))
    assert (await fetch(f"http://evil.test:{site.http_port}/x", http=gateway.http)).status == 200
    [(_, seen, verdict, done)] = gateway.reports.events
    assert (seen.stage, verdict.would, done) == (Stage.HTTP, Action.BLOCK, Enforcement.PASSED)


async def test_the_observation_holds_what_the_client_sent(start: Start) -> None:
    gateway, site = await start(EVIL)
    await fetch(f"http://evil.test:{site.http_port}/a?b=c", http=gateway.http, headers={"User-Agent": "Phone/1"})
    _, seen, _, _ = gateway.reports.events[0]
    assert seen.url == f"http://evil.test:{site.http_port}/a?b=c"
    assert (seen.host, seen.port, seen.user_agent) == ("evil.test", site.http_port, "Phone/1")
    assert gateway.reports.devices[-1][1] == "Phone/1"


async def test_an_unblocked_host_is_asked_for_again_on_a_new_connection(start: Start) -> None:
    gateway, site = await start(EVIL)
    async with line(f"https://evil.test:{site.https_port}/", http=gateway.http, trust=gateway.ca) as opened:
        gateway.policy.use([])
        answer = await opened.ask("/x?y=z")
    assert (answer.status, answer.headers["connection"]) == (307, "close")
    assert answer.headers["location"] == f"https://evil.test:{site.https_port}/x?y=z"
    assert site.connections == 0
    async with line(f"https://evil.test:{site.https_port}/", http=gateway.http, trust=site.certificate) as again:
        assert again.certificate == site.der


async def test_many_requests_at_once_are_each_judged(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    urls = [f"http://mixed.test:{site.http_port}/{'bad' if n % 2 else 'good'}/{n}" for n in range(20)]
    answers = await asyncio.gather(*(fetch(url, http=gateway.http) for url in urls))
    assert [answer.status for answer in answers] == [200, 403] * 10
    assert len(site.requests) == 10


async def test_a_name_that_changes_its_address_is_judged_again_before_the_next_dial(start: Start) -> None:
    clock = [1000.0]
    gateway, site = await start(
        Indicator("203.0.113.9", IndicatorType.IP, Action.BLOCK, FEED),
        change=lambda given: replace(given, monotonic=lambda: clock[0]),
    )
    async with line(f"http://good.test:{site.http_port}/", http=gateway.http) as opened:
        assert (await opened.ask("/1")).status == 200
        gateway.resolver.known["good.test"] = Led((ip_address("203.0.113.9"),))
        assert (await opened.ask("/2")).status == 200
        clock[0] += 61
        assert (await opened.ask("/3")).status == 403
    assert gateway.resolver.asked == ["good.test", "good.test"]


async def test_broken_http_harms_nobody_else(start: Start) -> None:
    gateway, site = await start(EVIL)
    for rubbish in (
        b"\x00\xff\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET http:///x HTTP/1.1\r\n\r\n",
        b"CONNECT x HTTP/1.1\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.http)
        writer.write(rubbish)
        async with asyncio.timeout(20):
            assert not (await reader.read()).startswith(b"HTTP/1.1 2")
        writer.close()
    assert (await fetch(f"http://good.test:{site.http_port}/", http=gateway.http)).status == 200
    with pytest.raises(RefusedError):
        await fetch("https://evil..test:0/", http=gateway.http)


class OverHttp2:
    """Ask over HTTP/2, on a connection that offers nothing else."""

    def __init__(self, opened: Line) -> None:
        self.opened = opened
        self.conn = h2.connection.H2Connection()
        self.conn.initiate_connection()

    async def ask(self, path: str) -> tuple[int, dict[str, str]]:
        stream = self.conn.get_next_available_stream_id()
        fields = {":method": "GET", ":scheme": "https", ":authority": self.opened.host, ":path": path}
        self.conn.send_headers(stream, list(fields.items()), end_stream=True)
        async with asyncio.timeout(10):
            while True:
                self.opened.writer.write(self.conn.data_to_send())
                data = await self.opened.reader.read(65536)
                if not data:
                    raise ConnectionResetError
                for event in self.conn.receive_data(data):
                    if isinstance(event, h2.events.ResponseReceived) and event.stream_id == stream:
                        found = {str(name, "ascii"): str(value, "ascii") for name, value in event.headers}
                        return int(found[":status"]), found


async def test_a_client_of_http2_alone_gets_its_page_and_is_sent_away_when_that_is_over(start: Start) -> None:
    gateway, site = await start(EVIL)
    url = f"https://evil.test:{site.https_port}/"
    async with line(url, http=gateway.http, trust=gateway.ca, protocols=["h2"]) as opened:
        client = OverHttp2(opened)
        for path in "/1", "/2":
            status, headers = await client.ask(path)
            assert (status, "connection" in headers) == (403, False)
        gateway.policy.use([])
        with pytest.raises(ConnectionError):
            await client.ask("/3")
    assert site.connections == 0


async def test_inspected_http2_is_judged_stream_by_stream(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    gateway.trust()
    url = f"https://mixed.test:{site.https_port}/"
    async with line(url, http=gateway.http, trust=gateway.ca, protocols=["h2"]) as opened:
        client = OverHttp2(opened)
        assert [(await client.ask(path))[0] for path in ("/good", "/bad", "/good")] == [200, 403, 200]
    assert site.paths == ["/good", "/good"]


async def test_what_passes_is_counted_once_a_connection_and_destination(start: Start) -> None:
    gateway, site = await start(BAD_PATH)
    async with line(f"http://mixed.test:{site.http_port}/", http=gateway.http) as opened:
        for path in ("/good", "/good", "/bad/page"):
            await opened.ask(path)
    assert gateway.reports.allowed == ["mixed.test"]


async def test_what_a_request_tells_of_its_device_is_noted(start: Start) -> None:
    gateway, site = await start()
    headers = {"X-Machine": "iPhone10,3", "X-Firmware": "14.8", "Sec-CH-UA-Platform": '"Android"'}
    hints = {"Sec-CH-UA-Platform-Version": '"15.0.0"', "Sec-CH-UA-Model": '"Pixel 9"'}
    async with line(f"http://good.test:{site.http_port}/", http=gateway.http) as opened:
        await opened.ask("/")
        assert gateway.reports.signs == []
        await opened.ask("/", headers=headers | hints)
    assert gateway.reports.signs == [
        Sign(SignKind.JAILBREAK_PROTOCOL, "a package manager"),
        Sign(SignKind.CLIENT_HINT, "Android|15.0.0|Pixel 9"),
    ]
