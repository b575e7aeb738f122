"""An emulator's view: a guest with an Android emulator's addresses, sealed in with the gateway; nothing can leak."""

from __future__ import annotations

import http.server
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import guest
from tests.support.sealed import Sealed, sealed_namespace, why_not

pytestmark = pytest.mark.heavy

SEAWALL = str(Path(sys.executable).parent / "seawall")
ORIGIN_PORT = 8000
CONFIG = """\
state_dir: state
user: root
proxy: {host: 127.0.0.1, port: 8080, socks_port: 1080}
dns: {host: 127.0.0.1, port: 53, hosts: {benign.test: 10.0.2.2}}
collector: {host: 127.0.0.1, port: 8088}
"""
STEPS = """\
step() { echo "STEP $1"; shift; "$@" 2>&1; echo "EXIT $?"; }
proxy="-x http://10.0.2.2:8080"
curl="curl -sS -m 30 -A guest-emulator/1.0 -w \\nSTATUS=%{http_code}\\n"
step proxy-https $curl $proxy --cacert /ca.pem https://smartscreentestratings2.net/
step proxy-http $curl $proxy http://smartscreentestratings2.net/
step proxy-benign $curl $proxy http://benign.test:8000/hello
step dns-blocked nslookup smartscreentestratings2.net 10.0.2.3
step direct-blocked $curl http://smartscreentestratings2.net/
step dns-benign $curl http://benign.test:8000/hello
step own-port $curl $proxy http://10.0.2.2:8088/healthz
"""


@dataclass(frozen=True, slots=True)
class Seen:
    output: dict[str, str]
    alerts: list[dict[str, object]]
    machines: list[dict[str, object]]


def _until[T](what: Callable[[], T | None], seconds: float, why: str) -> T:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"{why} within {seconds:g} s")


def _endpoints(state: Path) -> dict[str, str] | None:
    path = state / "endpoints.json"
    found: dict[str, str] | None = json.loads(path.read_text()) if path.exists() else None
    return found


def _api(sealed: Sealed, endpoints: dict[str, str], path: str) -> list[dict[str, object]]:
    done = sealed.run(
        *("curl", "-s", "-m", "10", "-H", f"Authorization: Bearer {endpoints['read_token']}"),
        endpoints["collector"] + path,
    )
    found: list[dict[str, object]] = json.loads(done.stdout)["value"]
    return found


@pytest.fixture(scope="module")
def image(require_program: Callable[..., str]) -> guest.GuestImage:
    require_program("qemu-system-x86_64", "qemu-system-x86")
    require_program("cpio")
    require_program("depmod", "kmod")
    require_program("busybox", "busybox-static")
    return guest.build_image()


@pytest.fixture(scope="module")
def seen(image: guest.GuestImage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    if why_not():
        pytest.skip(why_not())
    folder = tmp_path_factory.mktemp("guest")
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "www").mkdir()
    (folder / "www" / "hello").write_text("hello from the origin\n")
    log = folder / "log"
    with sealed_namespace("10.0.2.2/32") as sealed:
        origin = sealed.start(
            *(sys.executable, "-m", http.server.__name__, str(ORIGIN_PORT), "-d", str(folder / "www")), log=log
        )
        gateway = sealed.start(SEAWALL, "run", "--config", str(folder / "config.yaml"), log=log)
        try:
            endpoints = _until(lambda: _endpoints(folder / "state"), 90, "no endpoints.json")
            files = {"ca.pem": Path(endpoints["ca"]).read_text()}
            console = guest.run_guest(image, sealed, STEPS, files, folder)
            alerts = _until(lambda: _api(sealed, endpoints, "/api/alerts"), 30, "no alert")
            yield Seen(_steps(console), alerts, _api(sealed, endpoints, "/api/machines"))
        finally:
            for process in (gateway, origin):
                process.terminate()
            for process in (gateway, origin):
                process.wait(timeout=30)


def _steps(console: str) -> dict[str, str]:
    parts = re.split(r"^STEP (\S+)$", console, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("step", ["proxy-https", "proxy-http"])
def test_the_phishing_test_is_refused_with_a_page_that_says_why(seen: Seen, step: str) -> None:
    assert "STATUS=403" in seen.output[step]
    assert "phishing" in seen.output[step].lower()


def test_by_dns_the_test_host_has_no_address(seen: Seen) -> None:
    assert re.search(r"Address.*\b0\.0\.0\.0\b", seen.output["dns-blocked"])
    assert "STATUS=000" in seen.output["direct-blocked"]


@pytest.mark.parametrize("step", ["proxy-benign", "dns-benign"])
def test_a_benign_origin_answers(seen: Seen, step: str) -> None:
    assert "hello from the origin" in seen.output[step]


def test_the_console_cannot_be_reached_through_the_proxy(seen: Seen) -> None:
    assert "STATUS=200" not in seen.output["own-port"]


def test_the_emulator_is_one_device_with_its_alert(seen: Seen) -> None:
    assert len(seen.machines) == 1
    assert any("smartscreentestratings2.net" in json.dumps(alert) for alert in seen.alerts)
    assert {alert["machineId"] for alert in seen.alerts} == {seen.machines[0]["id"]}
