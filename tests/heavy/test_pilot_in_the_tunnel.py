"""`seawall pilot --device NAME --tunnel`: from enrolment to alert through a real tunnel, with both backends."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.namespaces import Network
from tests.support.tunnel_gateway import TunnelGateway, needs_tunnels, tunnel_network

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

COLLECTOR = "{host: 127.0.0.1, port: 0}"


@pytest.fixture(scope="module")
def lan(require_program: Callable[..., str]) -> Iterator[Network]:
    needs_tunnels(require_program)
    with tempfile.TemporaryDirectory() as folder, tunnel_network(Path(folder)) as made:
        yield made


@pytest.fixture(params=["kernel", "userspace"])
def gateway(request: pytest.FixtureRequest, lan: Network, tmp_path: Path) -> Iterator[TunnelGateway]:
    made = TunnelGateway(lan.gateway, tmp_path, request.param, collector=COLLECTOR)
    with made.running():
        yield made


def pilot(gateway: TunnelGateway, name: str) -> tuple[int, dict[str, Any], str]:
    code = "import sys; from proxy.cli import main; main(sys.argv[1:])"
    words = ("pilot", "--config", str(gateway.config), "--device", name, "--tunnel", "--json")
    done = gateway.at.run(sys.executable, "-c", code, *words, timeout=200)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_from_enrolment_to_alert(gateway: TunnelGateway) -> None:
    code, outcome, complaint = pilot(gateway, "passing by")
    assert code == 0, json.dumps(outcome) + complaint
    last = outcome["checks"][-1]
    assert last["name"] == "alerts name the device"
    assert "of passing by (" in last["evidence"]
    assert last["evidence"].endswith("by the tunnel")
    assert gateway.call("devices")["devices"] == [], "one that was not known is forgotten"

    gateway.call("device_add", name="kept", keep_key=True)
    code, outcome, complaint = pilot(gateway, "kept")
    assert code == 0, json.dumps(outcome) + complaint
    assert [one["name"] for one in gateway.call("devices")["devices"]] == ["kept"]
    gateway.call("device_add", name="its own")
    code, _, complaint = pilot(gateway, "its own")
    assert (code, "its own alone has the key of its tunnel" in complaint) == (1, True), complaint
    assert gateway.interface[:3] not in gateway.at.run("ip", "-o", "link").stdout.replace(gateway.interface, "")
