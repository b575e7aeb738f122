"""A saved `groups:` in a running gateway: DNS, front and inspector go by it within seconds, without a restart."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dnslib import DNSRecord

from proxy.endpoints import split
from tests.support.gateway import CONFIG, RunningGateway, running_gateway, wait_for

pytestmark = pytest.mark.timeout(240)
SOON = 60.0  # seconds; it is in force within one or two, where the machine is not busy
HERE = "    members: [{networks: [127.0.0.0/8]}]\n"
CLOSED = f"""
groups:
  children:
{HERE}    encrypted_dns: block
    schedules:
      - name: homework
        time_zone: UTC
        slots: [{{start: "00:00", end: "24:00"}}]
        block: [other.test]
"""
OPEN = "\ngroups:\n  guests:\n" + HERE
MORE = CONFIG.replace("evil.test: 127.0.0.1", "evil.test: 127.0.0.1, other.test: 127.0.0.1")


async def answer(gateway: RunningGateway, name: str) -> tuple[str, str]:
    host, port = split(gateway.endpoints["dns"])
    found = DNSRecord.parse(await asyncio.to_thread(DNSRecord.question(name).send, host, port, timeout=10))
    return (str(found.rr[0].rdata) if found.rr else "", str(found.header.rcode))


@contextlib.asynccontextmanager
async def endless_origin() -> AsyncIterator[int]:
    """Serve connections on which nothing is said until they are closed."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while found := await reader.read(1000):
            writer.write(found)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def tunnel_to(gateway: RunningGateway, host: str, port: int) -> asyncio.StreamReader:
    """Open a connection through the proxy, and see that it carries what is said."""
    reader, writer = await asyncio.open_connection(*split(gateway.endpoints["http_proxy"]))
    writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"ping")
    assert await reader.readexactly(4) == b"ping"
    return reader


async def test_groups_are_in_force_soon_after_saving_and_a_broken_edit_keeps_them(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, OPEN, config=MORE) as gateway, endless_origin() as port:
        written = gateway.config.read_text().removesuffix(OPEN)
        assert await answer(gateway, "other.test") == ("127.0.0.1", "0")

        async def group_is(name: str) -> bool:
            machines = (await gateway.api("/api/machines"))["value"]
            return [one["rbacGroupName"] for one in machines] == [name]

        await wait_for(lambda: group_is("guests"), SOON)
        held = await tunnel_to(gateway, "other.test", port)

        gateway.config.write_text(written + CLOSED)

        async def closed() -> bool:
            return (await answer(gateway, "other.test"))[0] == "0.0.0.0"

        await wait_for(closed, SOON)
        assert await asyncio.wait_for(held.read(), SOON) == b""  # what was open is judged again

        async def refused() -> bool:
            status, page = await gateway.get("http://other.test/")
            return status == 403 and "the schedule homework of group children" in page

        await wait_for(refused, SOON)
        await wait_for(lambda: group_is("children"), SOON)
        assert (await answer(gateway, "dns.google"))[1] == "3"  # the group's say on other resolvers
        assert not (await gateway.call("status"))["restart_to_apply"]

        gateway.config.write_text(written + CLOSED.replace("block: [other.test]", "blok: [other.test]"))

        async def told() -> list[str]:
            return [error for error in (await gateway.call("status"))["errors"] if "blok" in error]

        [error] = await wait_for(told, SOON)
        assert f"config.yaml:{written.count(chr(10)) + 10}: groups.children.schedules[0].blok: " in error
        assert await refused()
        assert await closed()

        gateway.config.write_text(written + OPEN)

        async def open_again() -> bool:
            status, _ = await gateway.get("http://other.test:9/")
            return await answer(gateway, "other.test") == ("127.0.0.1", "0") and status != 403

        await wait_for(open_again, SOON)

        await tunnel_to(gateway, "other.test", port)
        await wait_for(lambda: group_is("guests"), SOON)
        assert not (await gateway.call("status"))["errors"]
