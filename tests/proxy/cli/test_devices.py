"""`seawall devices`: what is typed, what is shown, and that a running gateway and the command alone do the same."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from dnslib import DNSRecord

from proxy import endpoints
from proxy.cli import handing_out, main
from proxy.collector_link import CollectorLink
from proxy.devices import DeviceDirectory
from proxy.enrolment.link import Offering
from proxy.secrets import load_or_create
from proxy.state import StateDir
from proxy.supervisor.lock import StateLock
from tests.proxy.profiles.test_qr import decoded
from tests.support.dns_over_tls import OverTls
from tests.support.gateway import CONFIG, RunningGateway, gateway, running_gateway, wait_for  # noqa: F401
from tests.support.resolver import addresses, question

TOKEN = r"[a-z2-7]{26}"
type Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    (tmp_path / "config.yaml").write_text(
        "state_dir: s\ndns: {https_port: 8453, tls_port: 853, tls: {name: dns.test}}\n"
    )
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["devices", *arguments])
        assert result.exit_code == code, result.output
        return result

    yield invoke


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "s")


def test_a_device_is_described_for_the_rules_of_groups(run: Run) -> None:
    run("add", "tablet")
    output = run("tag", "tablet", "Child", "school", "--platform", "Android").output
    assert re.search(r"^tags: +child, school$", output, re.MULTILINE)
    assert re.search(r"^platform: +android$", output, re.MULTILINE)
    assert "a tag has no comma" in run("tag", "tablet", "a,b", code=2).output
    assert "child" not in run("tag", "tablet").output


def test_the_group_that_rules_say_is_shown_until_a_device_is_put_into_another(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "config.yaml").open("a") as config:
        config.write("groups: {kids: {members: [{tags: [child]}]}}\n")
    run("add", "tablet")
    assert "group_by_rules" not in json.loads(run("list", "--json").output)[0]
    run("tag", "tablet", "child")
    assert json.loads(run("list", "--json").output)[0]["group_by_rules"] == "kids"
    assert "kids (rule)" in run("list").output
    assert re.search(r"^group: +kids \(rule\)$", run("show", "tablet").output, re.MULTILINE)
    run("group", "tablet", "guests")
    assert "kids" not in run("list").output


def test_what_is_shown_works(run: Run, state: StateDir) -> None:
    output = run("add", "Anna's phone", "--group", "children").output
    doh = re.search(rf"https://dns\.test:8453/dns-query/({TOKEN})\n", output)
    dot = re.search(rf" ({TOKEN})\.dns\.test\n", output)
    proxy = re.search(rf"http://(device-[0-9a-f]{{8}}):({TOKEN})@127\.0\.0\.1:8080\n", output)
    assert doh and dot and proxy, output
    assert doh[1] == dot[1]
    directory = DeviceDirectory.of(state, load_or_create(state))
    by_token, by_password = directory.by_token(doh[1], "", ""), directory.by_credentials(proxy[1], proxy[2], "", "")
    assert by_token and by_password
    assert (by_token.id, by_token.group) == (by_password.id, "children")
    assert "Anna's phone" in run("list").output


def test_json_for_scripts(run: Run) -> None:
    added = json.loads(run("add", "phone", "--json").output)
    assert re.fullmatch(TOKEN, added["token"])
    assert added["dot"] == f"{added['token']}.dns.test"
    (listed,) = json.loads(run("list", "--json").output)
    shown = json.loads(run("show", "PHONE", "--json").output)
    assert listed == {name: shown[name] for name in listed}
    assert [way["tier"] for way in shown["coverage"]] == ["proxy", "dns"] == [way["tier"] for way in added["coverage"]]
    assert listed["id"] == added["id"]
    assert not {added["token"], added["password"]} & set(map(str, listed.values()))
    rotated = json.loads(run("rotate", added["id"], "--json").output)
    assert rotated["id"] == added["id"]
    assert rotated["token"] != added["token"]
    assert json.loads(run("rename", "phone", "tablet", "--json").output)["name"] == "tablet"
    assert json.loads(run("group", "tablet", "children", "--json").output)["group"] == "children"
    assert json.loads(run("move", "tablet", "adults", "--json").output)["group"] == "adults"
    assert json.loads(run("revoke", "tablet", "--json").output)["id"] == added["id"]
    assert json.loads(run("list", "--json").output) == []


def test_people_read_it_too(run: Run) -> None:
    run("add", "phone")
    assert "name:" in run("show", "phone").output
    assert "token, proxy" in run("rename", "phone", "tablet").output
    assert "children" in run("group", "tablet", "children").output
    coverage = " ".join(run("show", "tablet").output.split())
    assert "encrypted DNS" in coverage and "Never seen: installed apps" in coverage
    assert "Lately: nothing was seen of it, or no gateway runs here." in coverage
    assert "Shown once" in run("rotate", "tablet").output
    assert run("revoke", "tablet").output == "tablet is no longer known\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "nobody"), "no device is called 'nobody'"),
        (("revoke", "nobody"), "no device is called 'nobody'"),
        (("rotate", "nobody"), "`seawall devices list` names them"),
        (("add", "phone"), "another device is called 'phone'"),
        (("add", "x", "--group", "No!"), "a group's name is written with"),
        (("rename", "phone", " "), "1 to 64 printable characters"),
    ],
)
def test_mistakes_are_said(run: Run, arguments: tuple[str, ...], says: str) -> None:
    run("add", "phone", "--out", "first")
    assert says in run(*arguments, code=1).output


def test_files_are_written_for_their_owner_alone(run: Run, tmp_path: Path) -> None:
    added = json.loads(run("add", "Anna's phone", "--gateway", "10.0.2.2", "--json").output)
    files = [tmp_path / name for name in added["files"]]
    assert [file.name for file in files] == [
        "seawall-ca.crt",
        "Annas-phone-dns.mobileconfig",
        "Annas-phone-supervised.mobileconfig",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert files[0].read_bytes() == StateDir(tmp_path / "s").ca_certificate.read_bytes()
    assert added["token"].encode() in files[1].read_bytes()
    assert added["pac"] == "http://10.0.2.2:8080/proxy.pac"
    assert added["emulator"][0] == "adb shell settings put global http_proxy 10.0.2.2:8080"
    rotated = json.loads(run("rotate", "Anna's phone", "--json").output)
    assert rotated["files"] == added["files"]
    assert rotated["token"].encode() in files[1].read_bytes()


def test_a_tunnel_is_handed_out_with_its_code_and_its_key_once(run: Run, state: StateDir, tmp_path: Path) -> None:
    tunnel = "wireguard: {enabled: true, backend: kernel, endpoint: gw.example, routes: public}\n"
    (tmp_path / "config.yaml").write_text("state_dir: s\n" + tunnel)
    added = json.loads(run("add", "Anna's phone", "--json").output)
    names = [Path(file).name for file in added["files"]]
    assert names[:4] == [
        "seawall-ca.crt", "Annas-phone.conf", "Annas-phone-ios.mobileconfig", "Annas-phone-macos.mobileconfig"
    ]  # fmt: skip
    assert (tmp_path / added["files"][1]).read_text() == added["conf"]
    assert [way["tier"] for way in added["coverage"]] == ["tunnel", "proxy", "dns"]
    stored = b"".join(path.read_bytes() for path in state.root.rglob("*") if path.is_file())
    assert added["private_key"].encode() not in stored
    kept = json.loads(run("rotate", "Anna's phone", "--keep-key", "--json").output)
    stored = b"".join(path.read_bytes() for path in state.root.rglob("*") if path.is_file())
    assert kept["private_key"].encode() in stored and kept["private_key"] != added["private_key"]
    shown = run("add", "tablet").output
    code = shown.partition("tablet (")[0]
    assert decoded(code) == (tmp_path / "enrolled-tablet" / "tablet.conf").read_text()
    assert "Endpoint = gw.example:51820" in decoded(code)
    assert "WireGuard tunnel" in run("show", "tablet").output and "PrivateKey" not in run("show", "tablet").output


def test_a_link_carries_all_and_no_file_is_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[Offering] = []

    async def link_for(offering: Offering, collector: CollectorLink) -> str:
        offered.append(offering)
        return f"{collector.url}/enrol?code=x"

    monkeypatch.setattr(handing_out, "link_for", link_for)
    assert "start it with `seawall run`" in run("add", "phone", "--link", code=1).output
    assert json.loads(run("list", "--json").output) == [], "without a collector nothing is enrolled"
    endpoints.write(StateDir(tmp_path / "s").endpoints, {"collector": "http://127.0.0.1:8088"})
    shown = run("add", "phone", "--link", "--expires", "10m").output
    assert "http://127.0.0.1:8088/enrol?code=x" in shown and "within 10 minutes" in shown
    assert "It opens on this computer alone" in shown and "Files (secrets" not in shown
    assert not (tmp_path / "enrolled-phone").exists()
    [one] = offered
    assert next(file.name for file in one.files) == "seawall-ca.crt"
    assert (one.device, one.lasts, set(one.lines)) == ("phone", timedelta(minutes=10), {"proxy", "pac", "doh", "dot"})
    both = json.loads(run("add", "tablet", "--link", "--out", "here", "--json").output)
    assert both["link"].endswith("/enrol?code=x") and len(both["files"]) == 3


def test_nothing_is_enrolled_when_its_files_have_no_room(run: Run, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x").write_text("")
    assert "name another folder with --out" in run("add", "phone", "--out", "there", code=1).output
    assert "both --sign-cert and --sign-key" in run("add", "phone", "--sign-cert", "x", code=1).output
    assert json.loads(run("list", "--json").output) == []


def test_without_encrypted_dns_only_the_proxy_is_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("state_dir: s\n")
    added = json.loads(run("add", "phone", "--json").output)
    assert "proxy" in added
    assert not {"doh", "dot"} & added.keys()
    (tmp_path / "config.yaml").write_text("state_dir: s\ndns: {https_port: 443}\n")
    assert json.loads(run("add", "other", "--json").output)["doh"].startswith("https://seawall.internal/dns-query/")


def test_a_gateway_that_holds_the_lock_and_does_not_answer_is_said(run: Run, state: StateDir) -> None:
    state.prepare()
    lock = StateLock(state.root)
    try:
        assert "the gateway is not running" in run("list", code=1).output
    finally:
        lock.release()


def test_a_damaged_registry_is_named(run: Run, state: StateDir) -> None:
    run("add", "phone")
    state.devices.write_text("{}")
    assert "devices.json: is no registry of devices" in run("list", code=1).output


async def test_a_running_gateway_changes_it_itself(gateway: RunningGateway) -> None:  # noqa: F811
    added = await gateway.call("device_add", name="phone", group="children")
    assert (await gateway.call("devices"))["devices"] == [added["device"]]
    secrets = load_or_create(gateway.state)
    directory = DeviceDirectory.of(gateway.state, secrets)

    def known(given: dict[str, Any]) -> bool:
        return directory.by_token(given["token"], "", "") is not None

    assert known(added["given"])
    await gateway.call("device_rename", device="phone", name="tablet")
    moved = await gateway.call("device_move", device="tablet", group="adults")
    assert (moved["device"]["name"], moved["device"]["group"]) == ("tablet", "adults")
    rotated = await gateway.call("device_rotate", device="tablet")
    assert (known(added["given"]), known(rotated["given"])) == (False, True)
    arguments = ["devices", "revoke", "tablet", "--config", str(gateway.config)]
    result = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert result.exit_code == 0, result.output
    assert not known(rotated["given"])


async def test_a_gateway_serves_dns_over_tls_and_https(tmp_path: Path) -> None:
    config = CONFIG.replace("port: 0, upstreams", "port: 0, tls_port: 0, https_port: 0, upstreams")
    async with running_gateway(tmp_path, config=config) as running:
        over = OverTls(running.state, bound=running.endpoints)
        token = (await running.call("device_add", name="phone"))["given"]["token"]
        (reply,) = await over.dot(question("benign.test"), name=f"{token}.seawall.internal")
        assert addresses(DNSRecord.parse(reply)) == ["127.0.0.1"]
        status, _, body = await over.https(question("benign.test"), path=f"/dns-query/{token}", name="127.0.0.1")
        assert (status, addresses(DNSRecord.parse(body))) == (200, ["127.0.0.1"])
        shown = (await running.call("status"))["endpoints"]
        assert (shown["dns_tls"], shown["dns_https"]) == (running.endpoints["dns_tls"], running.endpoints["dns_https"])


async def test_show_says_what_a_running_gateway_sees_of_it(gateway: RunningGateway) -> None:  # noqa: F811
    """A connection to the port of another VPN: known of one device, and of no other."""
    given = (await gateway.call("device_add", name="phone"))["given"]
    await gateway.call("device_add", name="other")
    await gateway.get("http://benign.test:1194/", login=f"{given['user']}:{given['password']}")

    async def show(name: str, *more: str) -> str:
        words = ["devices", "show", name, "--config", str(gateway.config), *more]
        done = await asyncio.to_thread(CliRunner().invoke, main, words)
        assert done.exit_code == 0, done.output
        return done.output

    async def lately() -> str:
        shown = await show("phone")
        return shown.partition("\nLately: ")[2] if "last seen" in shown else ""

    shown = await wait_for(lately, 60)
    assert shown.startswith("65 of 100, signs of protection. Signs, not findings:\n")
    assert re.search(r"^  last seen: +20\d\d-", shown, re.MULTILINE)
    assert "  - names or ports of other VPNs were met: benign.test\n" in shown
    assert "last handshake" not in shown
    seen = json.loads(await show("phone", "--json"))["seen"]
    assert (seen["score"], seen["protected"], seen["signs"]) == (65, True, {"connections": 1, "other_vpns": 1})
    assert "Lately: nothing was seen of it" in await show("other")
