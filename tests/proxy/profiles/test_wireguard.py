"""The configuration is read by wg-quick, and holds only what every client takes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from proxy.profiles.keys import new_keys
from proxy.profiles.routes import Routes, allowed_ips
from proxy.profiles.wireguard import TunnelProfile, endpoint_of, text_of, tunnel_name

GATEWAY = (ip_address("10.87.0.1"), ip_address("fd87::1"))
PROFILE = TunnelProfile(
    private_key=new_keys().private,
    addresses=(ip_address("10.87.0.5"), ip_address("fd87::5")),
    gateway=GATEWAY,
    server_key=new_keys().public,
    endpoint="gateway.example:51820",
    allowed=allowed_ips(Routes.ALL, [], GATEWAY),
)
# What Apple's app takes; anything else makes it refuse the file (TunnelConfiguration+WgQuickConfig.swift).
APPLE = {
    "[Interface]": {"privatekey", "listenport", "address", "dns", "mtu"},
    "[Peer]": {"publickey", "presharedkey", "allowedips", "endpoint", "persistentkeepalive"},
}


def test_it_says_all_that_a_device_needs() -> None:
    text = text_of(PROFILE)
    for line in (
        "Address = 10.87.0.5/32, fd87::5/128",
        "DNS = 10.87.0.1, fd87::1",
        "MTU = 1280",
        "AllowedIPs = 0.0.0.0/0, ::/0",
        "Endpoint = gateway.example:51820",
        "PersistentKeepalive = 25",
    ):
        assert f"{line}\n" in text
    assert "PresharedKey" not in text
    assert "PresharedKey = k\n" in text_of(replace(PROFILE, preshared_key="k"))


def test_each_key_is_one_that_every_client_takes() -> None:
    section = ""
    for line in text_of(replace(PROFILE, preshared_key=new_keys().public)).splitlines():
        if line.startswith("["):
            section = line
        elif line:
            assert line.partition(" = ")[0].lower() in APPLE[section]


def test_wg_quick_reads_it(tmp_path: Path, require_program: Callable[[str], str]) -> None:
    file = tmp_path / "seawall.conf"
    file.write_text(text_of(PROFILE))
    file.chmod(0o600)
    done = subprocess.run([require_program("wg-quick"), "strip", file], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert f"PrivateKey = {PROFILE.private_key}" in done.stdout
    assert "Address" not in done.stdout


@pytest.mark.parametrize(
    ("device", "name"),
    [("pixel", "pixel"), ("Annas iPhone", "Annas-iPhone"), ("日本", "seawall"), ("..", "seawall"),
     ("a/b\\c; rm -rf *", "abc-rm--rf"), ("x" * 40, "x" * 15)],
)  # fmt: skip
def test_a_file_is_named_as_clients_want_it(device: str, name: str) -> None:
    assert tunnel_name(device) == name


def test_an_endpoint_of_ipv6_stands_in_brackets() -> None:
    assert endpoint_of("192.0.2.1", 1) == "192.0.2.1:1"
    assert endpoint_of("2001:db8::1", 1) == "[2001:db8::1]:1"
