"""The real gateway, whole: started as a user starts it, hurt in the ways in which it will be hurt, and stopped."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.message
import psutil
import pytest

from proxy.control import ControlError
from proxy.endpoints import split
from tests.support.gateway import CONFIG, RunningGateway, running_gateway, spawn, stop, wait_for

pytestmark = pytest.mark.timeout(180)
BLOCKED = "https://smartscreentestratings2.net/"


async def answer(gateway: RunningGateway, name: str) -> list[str]:
    host, port = split(gateway.endpoints["dns"])
    reply = await dns.asyncquery.udp(dns.message.make_query(name, "A"), host, port=port, timeout=5)
    return [str(record) for found in reply.answer for record in found]


async def workers(gateway: RunningGateway) -> dict[str, dict[str, Any]]:
    return {worker["role"]: worker for worker in (await gateway.call("status"))["workers"]}


async def ready_with_other_pids(gateway: RunningGateway, before: dict[str, dict[str, Any]]) -> bool:
    found = await workers(gateway)
    return all(found[role]["ready"] and found[role]["pid"] != before[role]["pid"] for role in before)


async def test_a_day_in_its_life(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, "indicators:\n  - block: evil.test\n") as gateway:
        await serves_and_reports(gateway)
        await refuses_a_second_start(gateway, tmp_path)
        await takes_an_edit_within_a_second(gateway)
        await keeps_the_last_good_set(gateway)
        await allows_and_pauses(gateway)
        await takes_a_waiver_once(gateway)
        await survives_the_death_of_every_child(gateway)
        children = [worker["pid"] for worker in (await workers(gateway)).values()]
        assert await stop(gateway.process) == 0
        assert not gateway.state.endpoints.exists()
        assert not any(psutil.pid_exists(pid) for pid in children)
    text = gateway.log.read_text()
    assert "Seawall is running" in text
    assert "10.0.2.2:" in text
    assert "Traceback" not in text
    assert gateway.endpoints["read_token"] not in text


async def serves_and_reports(gateway: RunningGateway) -> None:
    ends = gateway.endpoints
    assert {"http_proxy", "socks", "dns", "collector", "ca", "read_token"} <= ends.keys()
    assert stat.S_IMODE(gateway.state.endpoints.stat().st_mode) == 0o600
    status, page = await gateway.get(BLOCKED)
    assert (status, "hishing" in page) == (403, True)
    assert await answer(gateway, "smartscreentestratings2.net") == ["0.0.0.0"]
    assert await answer(gateway, "benign.test") == ["127.0.0.1"]

    async def alerted() -> bool:
        return "smartscreentestratings2.net" in json.dumps(await gateway.api("/api/alerts"))

    await wait_for(alerted)
    found = await gateway.call("status")
    assert found["serving"]
    assert {worker["role"] for worker in found["workers"]} == {"collector", "resolver", "front", "inspector"}
    taken = {int(ends[name].rpartition(":")[2]) for name in ("http_proxy", "socks", "dns", "collector")}
    assert taken <= set((await gateway.call("own_ports"))["ports"])


async def refuses_a_second_start(gateway: RunningGateway, folder: Path) -> None:
    log = folder / "second.log"
    second = await spawn(gateway.config, log)
    assert await second.wait() == 1
    assert f"process {gateway.process.pid}" in log.read_text()


async def takes_an_edit_within_a_second(gateway: RunningGateway) -> None:
    saved = gateway.config.read_text()
    draft = gateway.config.with_suffix(".swp")  # as editors save: another file, renamed over the first
    draft.write_text(
        saved.replace("evil.test\n", "evil.test\n  - block: edited.test\n").replace("9]", "9, 127.0.0.2:9]")
    )
    draft.replace(gateway.config)

    async def blocked() -> bool:
        return await answer(gateway, "edited.test") == ["0.0.0.0"]

    await wait_for(blocked, 5)
    await wait_for(lambda: "restart to apply" in gateway.log.read_text(), 5)
    assert (await gateway.call("status"))["restart_to_apply"] == ["dns.upstreams"]


async def keeps_the_last_good_set(gateway: RunningGateway) -> None:
    good = gateway.config.read_text()
    gateway.config.write_text(good + "  - blok: typo.test\n")
    line = len(good.splitlines()) + 1

    async def told() -> list[str]:
        return list((await gateway.call("status"))["errors"])

    (error, *_) = await wait_for(told, 5)
    assert f"config.yaml:{line}" in error
    assert "blok" in error
    assert await answer(gateway, "edited.test") == ["0.0.0.0"]
    assert "what was in force stays" in gateway.log.read_text()

    gateway.config.write_text(good)

    async def well() -> bool:
        return not await told()

    await wait_for(well, 5)


async def allows_and_pauses(gateway: RunningGateway) -> None:
    until = (await gateway.call("allow", host="evil.test", seconds=60))["until"]
    assert until
    assert await answer(gateway, "evil.test") == ["127.0.0.1"]
    await gateway.call("pause", seconds=60)
    assert await answer(gateway, "edited.test") != ["0.0.0.0"]
    await gateway.call("resume")
    assert await answer(gateway, "edited.test") == ["0.0.0.0"]


async def takes_a_waiver_once(gateway: RunningGateway) -> None:
    fields = {"nonce": "n1", "device": "d", "host": "warned.test", "indicator": "warned.test", "seconds": 60}
    generation = (await gateway.call("waive", **fields))["generation"]
    held = [worker["generation"] for worker in (await workers(gateway)).values() if worker["generation"] is not None]
    assert held == [generation] * 3
    with pytest.raises(ControlError, match=r"^used$"):
        await gateway.call("waive", **fields)


async def survives_the_death_of_every_child(gateway: RunningGateway) -> None:
    before = await workers(gateway)
    for worker in before.values():
        os.kill(worker["pid"], signal.SIGKILL)
    await wait_for(lambda: ready_with_other_pids(gateway, before), 40)
    assert await answer(gateway, "edited.test") == ["0.0.0.0"]
    assert (await gateway.get(BLOCKED))[0] == 403
    assert "smartscreentestratings2.net" in json.dumps(await gateway.api("/api/alerts"))


async def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        children = [worker["pid"] for worker in (await workers(gateway)).values()]
        gateway.process.kill()
        await gateway.process.wait()
        await wait_for(lambda: not any(psutil.pid_exists(pid) for pid in children), 15)


async def test_startup_waits_for_the_first_snapshot(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("listed-one.example\nlisted-two.example\n")
    feed = f"startup: wait\nfeeds:\n  - {{name: mine, path: {tmp_path / 'list.txt'}, format: domains}}\n"
    async with running_gateway(tmp_path, feed) as gateway:
        assert await answer(gateway, "listed-two.example") == ["0.0.0.0"]
        assert [one["name"] for one in (await gateway.call("status"))["feeds"]] == ["mine"]


async def test_a_port_in_use_is_named_with_its_holder(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(state=tmp_path / "state").replace("socks_port: 0", f"socks_port: {port}"))
    log = tmp_path / "log"
    assert await (await spawn(config, log)).wait() == 1
    text = " ".join(log.read_text().split())
    assert f"port {port} at 127.0.0.1 is in use" in text
    assert f"process {os.getpid()}" in text
    assert "proxy.socks_port" in text
    server.close()


async def test_a_wrong_configuration_is_exit_2(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("proxy: {prot: 1}\n")
    log = tmp_path / "log"
    assert await (await spawn(config, log)).wait() == 2
    assert "config.yaml:1" in log.read_text()
