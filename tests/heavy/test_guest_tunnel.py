"""An emulator with WireGuard: its own kernel carries the tunnel to 10.0.2.2, set up by what `devices add` wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.heavy.test_guest import _steps, image  # noqa: F401
from tests.support import guest
from tests.support.authority import make_certificate
from tests.support.namespaces import ORIGIN, Namespace
from tests.support.sealed import sealed_namespace, why_not
from tests.support.tunnel_gateway import INNER, LISTED, WORLD, TunnelGateway

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

REVOKE = "REVOKE-NOW"
# `wg` takes neither Address nor DNS nor MTU; a person's app sets those by itself.
STEPS = f"""\
step() {{ echo "STEP $1"; shift; "$@" 2>&1; echo "EXIT $?"; }}
conf() {{ sed -n "s/^$1 = //p" /tunnel.conf | tr ',' ' '; }}
grep -v -e ^Address -e ^DNS -e ^MTU /tunnel.conf >/tmp/wg.conf
up() {{
  ip link add wg0 type wireguard && wg setconf wg0 /tmp/wg.conf && ip link set wg0 mtu "$(conf MTU)" up || return 1
  for address in $(conf Address); do ip addr add "$address" dev wg0 || return 1; done
  ip route add 0.0.0.0/1 dev wg0 && ip route add 128.0.0.0/1 dev wg0 && ip route add 2000::/3 dev wg0 || return 1
  for server in $(conf DNS); do echo "nameserver $server"; done >/etc/resolv.conf
}}
curl="curl -sS -m 60 -A guest-tunnel/1.0 -w \\nSTATUS=%{{http_code}}\\n"
passes() {{ curl -sS -m 5 -o /dev/null http://{ORIGIN[4]}/; }}
step up up
step ours cat /sys/class/net/wg0/uevent
step dns-benign nslookup good.test
step benign $curl http://good.test/
step benign6 $curl http://[{ORIGIN[6]}]/
step benign-tls $curl -k https://good.test/
step dns-blocked nslookup evil.test
step page-http $curl http://evil.test/
step page-https $curl --cacert /ca.pem https://evil.test/
step sni $curl --cacert /ca.pem --resolve sni.test:443:{ORIGIN[4]} https://sni.test/
step url $curl --cacert /ca.pem https://paths.test/bad
step address $curl http://{LISTED[4]}/
step handshake wg show wg0 latest-handshakes
echo {REVOKE}
for i in $(seq 60); do passes || break; sleep 1; done >/dev/null 2>&1
step revoked-tcp passes
step revoked-dns timeout 10 nslookup good.test
"""


@pytest.fixture(scope="module")
def seen(
    image: guest.GuestImage,  # noqa: F811
    require_program: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    require_program("wg", "wireguard-tools")
    if why_not():
        pytest.skip(why_not())
    folder = tmp_path_factory.mktemp("guest")
    make_certificate(folder / "good.pem", folder / "good.key", "good.test")
    addresses = [f"{one}/{128 if ':' in one else 32}" for one in (*ORIGIN.values(), *LISTED.values())]
    with sealed_namespace("10.0.2.2/32", *addresses) as sealed:
        here = Namespace(sealed.name)
        gateway = TunnelGateway(here, folder, "userspace")

        def seawall(*words: str) -> None:
            here.python("import sys; from proxy.cli import main; main(sys.argv[1:])", *words, timeout=120)

        def heard(line: str) -> None:
            if line == REVOKE:
                seawall("devices", "revoke", "guest", "--config", str(gateway.config))

        with here.serving(WORLD, str(folder / "good.pem"), str(folder / "good.key")), gateway.running():
            out = folder / "enrolled"
            add = ("add", "guest", "--gateway", "10.0.2.2", "--out", str(out), "--config", str(gateway.config))
            seawall("devices", *add)
            files = {
                "ca.pem": Path(gateway.endpoints()["ca"]).read_text(),
                "tunnel.conf": (out / "guest.conf").read_text(),
            }
            return _steps(guest.run_guest(image, sealed, STEPS, files, folder, heard))


def test_the_kernels_own_wireguard_comes_up_by_what_was_handed_out(seen: dict[str, str]) -> None:
    assert "EXIT 0" in seen["up"], seen["up"]
    assert "DEVTYPE=wireguard" in seen["ours"]
    assert re.search(r"=\t[1-9][0-9]*$", seen["handshake"], re.M)


@pytest.mark.parametrize("step", ["benign", "benign6", "benign-tls"])
def test_what_is_benign_passes(seen: dict[str, str], step: str) -> None:
    assert "world" in seen[step]
    assert "STATUS=200" in seen[step]


def test_names_are_the_gateways(seen: dict[str, str]) -> None:
    assert ORIGIN[4] in seen["dns-benign"]
    assert re.search(rf"Address.*\b{re.escape(INNER[4])}\b", seen["dns-blocked"].partition("evil.test")[2])


@pytest.mark.parametrize("step", ["page-http", "page-https", "sni", "url", "address"])
def test_what_is_listed_is_refused_with_a_page(seen: dict[str, str], step: str) -> None:
    assert "STATUS=403" in seen[step], seen[step]
    assert "seawall" in seen[step].lower()


@pytest.mark.parametrize("step", ["revoked-tcp", "revoked-dns"])
def test_a_device_that_was_revoked_gets_nothing(seen: dict[str, str], step: str) -> None:
    assert "EXIT 0" not in seen[step], seen[step]
    assert ORIGIN[4] not in seen[step].partition("good.test")[2]
