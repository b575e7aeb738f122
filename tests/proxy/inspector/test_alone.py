from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addons.services import Services
from addons.waivers import Consent
from indicators.observation import Device, Observation
from indicators.verdict import CLEAN, Verdict
from indicators.words import Action, Enforcement, Stage
from proxy.config.load import load_config
from proxy.inspector.alone import services_of
from tests.support.browsing import fetch, line
from tests.support.origin import origin

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PHONE = Device("phone", "a phone")
ROOT = Path(__file__).resolve().parents[3]
HOSTS = "{good.test: 127.0.0.1, evil.test: 127.0.0.1, warned.test: [127.0.0.1]}"
CONFIG = f"""\
dns: {{hosts: {HOSTS}}}
indicators:
  - block: evil.test
  - warn: warned.test
"""


class Dump:
    """A stock mitmdump with our script."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log = ""
        self.port = 0

    async def until(self, pattern: str) -> str:
        """Read the log until a line matches, and return its first group."""
        assert self.process.stdout
        async with asyncio.timeout(30):
            while not (found := re.search(pattern, self.log)):
                row = await self.process.stdout.readline()
                assert row, self.log
                self.log += row.decode()
        return found[1] if found.groups() else found[0]


@contextlib.asynccontextmanager
async def mitmdump(folder: Path, config: str, upstream: Path | None = None) -> AsyncIterator[Dump]:
    (folder / "config.yaml").write_text(config)
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "mitmdump",
        *("-s", ROOT / "proxy" / "standalone.py", "--set", f"seawall_config={folder / 'config.yaml'}"),
        *("--set", f"confdir={folder / 'conf'}", "--mode", "regular@127.0.0.1:0", "--set", "flow_detail=0"),
        *(("--set", f"ssl_verify_upstream_trusted_ca={upstream}") if upstream else ()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
    )
    dump = Dump(process)
    try:
        await dump.until(r"Loading script")
        dump.port = int(await dump.until(r"proxy listening at 127\.0\.0\.1:(\d+)"))
        yield dump
    finally:
        process.terminate()
        await process.wait()


async def test_a_stock_mitmdump_blocks_explains_and_passes(tmp_path: Path) -> None:
    async with origin(tmp_path, "good.test") as site, mitmdump(tmp_path, CONFIG, site.certificate) as dump:
        port = {"http": dump.port}
        ca = tmp_path / "conf" / "mitmproxy-ca-cert.pem"
        assert (await fetch(f"http://evil.test:{site.http_port}/", **port)).status == 403
        assert (await fetch("https://evil.test/", trust=ca, **port)).status == 403
        assert site.connections == 0
        assert (await fetch(f"http://good.test:{site.http_port}/", **port)).text.startswith("hello")
        async with line(f"https://good.test:{site.https_port}/", trust=site.certificate, **port) as opened:
            assert opened.certificate == site.der
            assert (await opened.ask()).status == 200
        warned = await fetch(f"http://warned.test:{site.http_port}/", **port)
        assert "Continue anyway" in warned.text
        assert (await fetch("http://eicar.seawall.internal/eicar.com", **port)).status == 403
        assert (await fetch("http://seawall.internal/ca.pem", **port)).body == ca.read_bytes()
        assert (await fetch("http://smartscreentestratings2.net/", **port)).status == 403
        assert (await fetch(f"http://127.0.0.1:{dump.port}/", **port)).status == 403
        assert (await fetch("http://no-such-name.invalid/", **port)).status == 502
        assert '"kind": "verdict"' in await dump.until(r"seawall event .*evil\.test.*")
        assert "Traceback" not in dump.log


async def test_a_configuration_that_cannot_be_read_closes_the_proxy_and_says_so(tmp_path: Path) -> None:
    async with origin(tmp_path, "good.test") as site, mitmdump(tmp_path, "no_such_key: 1\n") as dump:
        await dump.until(r"nothing passes until the configuration can be read: .*no_such_key")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await fetch(f"http://good.test:{site.http_port}/", http=dump.port)
        assert site.connections == 0


def services(folder: Path, config: str = CONFIG) -> Services:
    (folder / "config.yaml").write_text(config)
    return services_of(load_config(folder / "config.yaml"), lambda: NOW)


async def test_a_waiver_holds_and_its_form_is_good_once(tmp_path: Path) -> None:
    alone = services(tmp_path)
    seen = Observation(Stage.HTTP, PHONE, ("warned.test",), "http://warned.test/")
    assert alone.policy.judge(seen).action is Action.WARN
    consent = Consent("n", PHONE.id, "warned.test", "i", "warned.test", "/")
    await alone.waive(consent)
    assert alone.policy.judge(seen).action is Action.ALLOW
    with pytest.raises(ValueError, match="used before"):
        await alone.waive(consent)


def test_a_groups_schedule_holds(tmp_path: Path) -> None:
    night = '{name: n, time_zone: UTC, slots: [{start: "%s", end: "%s"}], everything: true}'
    at, later = f"{NOW:%H:%M}", f"{NOW + timedelta(hours=1):%H:%M}"
    seen = Observation(Stage.HTTP, PHONE, ("any.test",), "http://any.test/")
    for start, end, action in ((at, later, Action.BLOCK), (later, at, Action.ALLOW)):
        alone = services(tmp_path, f"groups: {{default: {{schedules: [{night % (start, end)}]}}}}\n")
        assert alone.policy.judge(seen).action is action


def test_a_slot_that_begins_is_met(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "groups: {default: {schedules: [{name: n, time_zone: UTC, slots: [{start: '20:00'}], everything: true}]}}"
    )
    now = [datetime(2026, 3, 2, 19, 59, tzinfo=UTC)]
    policy = services_of(load_config(tmp_path / "config.yaml"), lambda: now[0]).policy
    seen = Observation(Stage.HTTP, PHONE, ("any.test",), "http://any.test/")
    assert policy.judge(seen).action is Action.ALLOW
    now[0] += timedelta(minutes=1)
    assert policy.judge(seen).action is Action.BLOCK


async def test_a_device_is_trusted_once_it_has_shown_it(tmp_path: Path) -> None:
    alone = services(tmp_path)
    assert not alone.policy.trusts_ca(PHONE)
    await alone.trust(PHONE)
    assert alone.policy.trusts_ca(PHONE)
    assert services(tmp_path, "inspect_untrusted: true\n").policy.trusts_ca(PHONE)


async def test_names_are_those_of_the_configuration_then_those_of_the_system(tmp_path: Path) -> None:
    names = services(tmp_path).names
    assert [str(each) for each in (await names.lookup("warned.test", PHONE)).addresses] == ["127.0.0.1"]
    assert "127.0.0.1" in [str(each) for each in (await names.lookup("localhost", PHONE)).addresses]
    lost = await names.lookup("no-such-name.invalid", PHONE)
    assert (lost.addresses, lost.error in ("nxdomain", "servfail")) == ((), True)


def test_events_are_lines_in_the_log_and_what_is_allowed_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reporter = services(tmp_path).reporter
    seen = Observation(Stage.HTTP, PHONE, ("evil.test",), "http://evil.test/")
    assert reporter.report(seen, CLEAN, Enforcement.PASSED) == ""
    incident = reporter.report(seen, Verdict(Action.BLOCK, "because"), Enforcement.PAGE)
    reporter.repeat(incident, 3)
    reporter.device_seen(PHONE)
    told = [json.loads(record.message.removeprefix("seawall event ")) for record in caplog.records]
    assert [(event["kind"], event.get("count")) for event in told] == [("verdict", 1), ("repeat", 3)]
    assert {event.get("incident") for event in told} == {incident}
