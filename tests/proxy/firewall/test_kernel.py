"""How the system's programs are run, with small programs of our own in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.firewall import forwarding, kernel
from proxy.firewall.kernel import FirewallError, MissingRightError
from proxy.firewall.plan import Plan

PLAN = Plan(("lan0",), (), (), "tproxy", 8444, 5053, (4,), rejects_quic=True)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put `nft` and `ip` on the path that write down how they were called."""
    monkeypatch.setenv("PATH", str(tmp_path) + ":/usr/bin:/bin")
    for name in ("nft", "ip"):
        _program(tmp_path, name, f'echo "{name} $*" >> {tmp_path}/calls\ncat >> {tmp_path}/said 2>/dev/null')
    return tmp_path


def _program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_applying_and_removing(programs: Path) -> None:
    forwarding.apply(PLAN)
    calls = (programs / "calls").read_text().splitlines()
    assert calls[-1] == "nft -f -", "the rules come after the route that they need"
    assert calls[:4] == [call for call in calls if " del " in call or " flush " in call]
    assert "table inet seawall {" in (programs / "said").read_text()
    (programs / "calls").unlink()
    forwarding.remove()
    calls = (programs / "calls").read_text().splitlines()
    assert calls[0] == "nft -f -", "the route goes after the rules that need it"
    assert len(calls) == 5


@pytest.mark.parametrize(
    ("body", "error", "why"),
    [
        ("echo 'Error: syntax error' >&2; exit 1", FirewallError, "syntax error"),
        ("exit 3", FirewallError, "exit 3"),
        ("echo 'Operation not permitted (you must be root)' >&2; exit 1", MissingRightError, "CAP_NET_ADMIN"),
    ],
)
def test_what_goes_wrong_is_said(programs: Path, body: str, error: type[Exception], why: str) -> None:
    _program(programs, "nft", f"cat >/dev/null\n{body}")
    with pytest.raises(error, match=why):
        kernel.run_transaction("table inet seawall\n")


def test_a_route_that_is_not_there_to_be_removed_is_no_error_but_a_missing_right_is(programs: Path) -> None:
    _program(programs, "ip", "echo 'RTNETLINK answers: No such file or directory' >&2; exit 2")
    forwarding.remove()
    _program(programs, "ip", "echo 'RTNETLINK answers: Operation not permitted' >&2; exit 2")
    with pytest.raises(MissingRightError):
        forwarding.remove()


def test_whether_rules_are_in_force(programs: Path) -> None:
    _program(programs, "nft", "echo 'table inet seawall { }'")
    assert forwarding.is_applied()
    _program(programs, "nft", "echo 'Error: No such file or directory' >&2; exit 1")
    assert not forwarding.is_applied()
    _program(programs, "nft", "echo 'Error: kernel too old' >&2; exit 1")
    with pytest.raises(FirewallError, match="too old"):
        forwarding.is_applied()


def test_a_program_that_is_missing_or_hangs(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_LIMIT", 0.2)
    _program(programs, "nft", "sleep 5")
    with pytest.raises(FirewallError, match="did not answer"):
        kernel.run_transaction("")
    monkeypatch.setattr(kernel, "_SBIN", str(programs))
    (programs / "nft").unlink()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(FirewallError, match="package nftables"):
        kernel.run_transaction("")
