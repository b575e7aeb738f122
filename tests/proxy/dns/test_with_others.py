"""Tried with the programs that people have: dig, kdig, Chromium, unbound and Knot Resolver, on both sides of us."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from dnslib import RCODE, DNSRecord

from tests.support.browser import QUIET, trust_authorities
from tests.support.dns_over_tls import NAME, serving
from tests.support.resolver import Running, TestPolicy, addresses, question, running
from tests.support.resolvers_of_others import NEIGHBOURS, To, asked, neighbour
from tests.support.sealed import Sealed, sealed_namespace, why_not
from tests.support.upstream import FakeUpstream

pytestmark = pytest.mark.heavy

type Find = Callable[..., str]
LOSS = """table inet t {
  chain i {
    type filter hook input priority 0;
    numgen random mod 100 < 5 drop
  }
}
"""
PACKAGES = {"unbound": "unbound", "kresd": "knot-resolver"}


def program(require_program: Find, kind: str) -> str:
    name = NEIGHBOURS[kind][0]
    return require_program(name, PACKAGES[name])


async def output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    text = out.decode()
    assert process.returncode == 0, text
    return text


@pytest.mark.parametrize("way", ["+tls", "+https=/dns-query", "+https-get"])
@pytest.mark.parametrize(("name", "expected"), [("good.example", "192.0.2.10"), ("evil.example", "0.0.0.0")])
async def test_kdig_is_content(resolver: Running, require_program: Find, way: str, name: str, expected: str) -> None:
    kdig = require_program("kdig", "knot-dnsutils")
    async with serving(resolver.state) as over:
        _, given = over.devices.add("phone")
        port = over.port("dns_tls" if way == "+tls" else "dns_https")
        options = [f"+tls-ca={over.state.ca_certificate}", way, "+edns", "+padding", "+time=5", "+retry=0"]
        for hostname in (NAME, f"{given.token}.{NAME}"):
            command = [kdig, "@127.0.0.1", "-p", str(port), *options, f"+tls-hostname={hostname}", name, "A"]
            text = await output(*command)
            assert expected in text, text
            assert "WARNING" not in text.upper().replace(";; WARNING: NO ", ""), text
            assert "468 B" in text, text


@pytest.mark.parametrize("way", ["+tls", "+https", "+https-get", "+tcp", "+notcp"])
async def test_dig_is_content(resolver: Running, require_program: Find, way: str) -> None:
    dig = require_program("dig", "dnsutils")
    async with serving(resolver.state) as over:
        ports = {"+tls": over.port("dns_tls"), "+tcp": resolver.address[1], "+notcp": resolver.address[1]}
        port = ports.get(way, over.port("dns_https"))
        trust = [] if "tcp" in way else [f"+tls-ca={over.state.ca_certificate}", f"+tls-hostname={NAME}"]
        command = [dig, "@127.0.0.1", "-p", str(port), way, *trust, "+time=5", "+tries=1", "good.example", "A"]
        text = await output(*command)
        assert "192.0.2.10" in text, text
        assert "WARNING" not in text, text


@pytest.mark.parametrize("kind", list(NEIGHBOURS))
@pytest.mark.parametrize("scheme", ["udp", "tcp"])
async def test_another_resolver_as_upstream(
    tmp_path: Path, upstream: FakeUpstream, require_program: Find, kind: str, scheme: str
) -> None:
    upstream.add(*(f"large.example 60 TXT {'x' * 200}{number}" for number in range(20)))
    upstream.add("www.chain.example 60 CNAME good.example", "good.example 60 A 192.0.2.10", under="www.chain.example")
    other = neighbour(kind, program(require_program, kind), tmp_path / "other", To(upstream.port))
    async with other as port, running(tmp_path, {"upstreams": [f"{scheme}://127.0.0.1:{port}"]}) as resolver:
        for name in ("good.example", "GOOD.Example", "www.chain.example"):
            found = await resolver.ask(name, edns=1232)
            assert addresses(found)[-1] == "192.0.2.10"
            assert str(found.q.qname) == f"{name}."
        (reply,) = await resolver.tcp(question("large.example", "TXT"))
        assert len(DNSRecord.parse(reply).rr) == 20
        assert (await resolver.ask("nothing.example")).header.rcode == RCODE.NOERROR
        assert addresses(await resolver.ask("evil.example")) == ["0.0.0.0"]
    assert "evil.example" not in upstream.names


@pytest.mark.parametrize("kind", list(NEIGHBOURS))
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_another_resolver_as_client(
    tmp_path: Path, upstream: FakeUpstream, require_program: Find, kind: str, transport: str
) -> None:
    if (kind, transport) == ("knot", "tcp"):
        transport = "udp"  # it has no way to forward by plain TCP alone; by UDP twice does no harm
    async with running(tmp_path, {"upstreams": [upstream.address]}) as resolver, serving(resolver.state) as over:
        record, given = over.devices.add("the other resolver")
        to = To(resolver.address[1], transport)
        if transport == "tls":
            to = To(over.port("dns_tls"), transport, f"{given.token}.{NAME}", over.state.ca_certificate)
        async with neighbour(kind, program(require_program, kind), tmp_path / "other", to) as port:
            for name, expected in (("good.example", "192.0.2.10"), ("evil.example", "0.0.0.0")):
                reply = await asked(port, question(name, edns=1232))
                assert reply is not None
                assert addresses(DNSRecord.parse(reply)) == [expected]
        if transport == "tls":
            assert {seen.device.id for seen, _, _ in resolver.reporter.reports} == {record.id}


@pytest.mark.parametrize("kind", list(NEIGHBOURS))
def test_packets_get_lost_on_every_hop(tmp_path: Path, require_program: Find, kind: str) -> None:
    """A client's resolver asks ours, ours asks unbound, unbound asks a slow server; every twentieth packet is lost."""
    nft = require_program("nft", "nftables")
    client, other = program(require_program, kind), program(require_program, "unbound")
    if reason := why_not():
        pytest.skip(reason)

    async def scenario() -> None:
        async with FakeUpstream(delay=0.08) as upstream:
            upstream.behave("*", "slow")
            names = [f"n{number}.example" for number in range(40)]
            upstream.add(*(f"{name} 60 A 192.0.2.10" for name in names))
            async with (
                neighbour("unbound", other, tmp_path / "upstream", To(upstream.port)) as behind,
                running(tmp_path, {"upstreams": [f"127.0.0.1:{behind}"]}, TestPolicy()) as resolver,
                neighbour(kind, client, tmp_path / "client", To(resolver.address[1])) as port,
            ):
                right = 0
                for name in names:
                    reply = await asked(port, question(name), 2.0, tries=6)
                    assert reply is not None, f"no answer to {name}"
                    right += addresses(DNSRecord.parse(reply)) == ["192.0.2.10"]
                    async with asyncio.timeout(5):
                        replies = [await resolver.udp(question(name), 1.0) for _ in range(4)]
                    assert any(replies)
                assert right >= 37

    with sealed_namespace() as sealed:
        rules = tmp_path / "loss.nft"
        rules.write_text(LOSS)
        done = sealed.run(nft, "-f", str(rules))
        if done.returncode:
            pytest.skip(f"this kernel cannot lose packets at random: {done.stderr}")
        _within(sealed, scenario)


def _within(sealed: Sealed, scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run in a thread that has moved into the namespace; sockets and processes that it makes are there."""
    problems: list[BaseException] = []

    def run() -> None:
        try:
            handle = os.open(f"/var/run/netns/{sealed.name}", os.O_RDONLY)
            os.setns(handle, os.CLONE_NEWNET)
            os.close(handle)
            asyncio.run(scenario())
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]


async def test_chromiums_secure_dns(tmp_path: Path, upstream: FakeUpstream, require_program: Find) -> None:
    """Chromium asks our DoH alone (mode `secure`), by its template with a device's token, and trusts our CA."""
    browser = require_program("chromium")
    require_program("certutil", "libnss3-tools")
    async with running(tmp_path, {"upstreams": [upstream.address]}) as resolver, serving(resolver.state) as over:
        record, given = over.devices.add("browser")
        home, profile = tmp_path / "home", tmp_path / "profile"
        trust_authorities(home, (over.state.ca_certificate,))
        profile.mkdir()
        template = f"https://127.0.0.1:{over.port('dns_https')}/dns-query/{given.token}{{?dns}}"
        (profile / "Local State").write_text('{"dns_over_https": {"mode": "secure", "templates": "' + template + '"}}')
        page = await asyncio.start_server(_page, "127.0.0.1", 0)
        port = page.sockets[0].getsockname()[1]
        upstream.add("page.example 60 A 127.0.0.1")
        quiet = [flag for flag in QUIET if not flag.startswith("--dns-over-https")]
        process = await asyncio.create_subprocess_exec(
            *(browser, "--headless", *quiet, f"--user-data-dir={profile}", "--dump-dom", "--timeout=20000"),
            f"http://page.example:{port}/",
            stdout=asyncio.subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(home)},
        )
        out, _ = await process.communicate()
        page.close()
        assert b"here it is" in out
        assert "page.example" in upstream.names
        assert {device.id for device in over.reporter.devices} == {record.id}
        assert not resolver.reporter.devices  # nothing came by plain DNS


async def _page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 10\r\nconnection: close\r\n\r\nhere it is"
    )
    await writer.drain()
    writer.close()
