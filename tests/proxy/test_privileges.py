"""Leaving root is tried in processes of their own, which really do; none of it is undone, so none of it is ours."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy import privileges
from proxy.config.model import Config
from proxy.privileges import PrivilegeError, leave_root, low_ports, privileged_work, standing
from proxy.wireguard.backend import TunnelError

ROOT = Path(__file__).resolve().parents[2]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave root")


def config(**sections: Any) -> Config:
    return Config.model_validate(sections)


@pytest.mark.parametrize(
    ("sections", "uid", "user", "warning"),
    [
        ({}, 1000, "", ""),
        ({"user": "seawall", "dns": {"port": 53}}, 1000, "", ""),
        ({}, 0, "", "runs as root; set `user:`"),
        ({"user": "root", "dns": {"port": 53}}, 0, "", "stays root"),
        ({"user": "seawall"}, 0, "seawall", ""),
        ({"user": "seawall", "proxy": {"transparent_port": 8443}}, 0, "seawall", ""),
    ],
)
def test_what_becomes_of_a_process(sections: dict[str, Any], uid: int, user: str, warning: str) -> None:
    found = standing(config(**sections), uid)
    assert found.user == user
    assert warning in found.warning
    assert bool(warning) == bool(found.warning)


@pytest.mark.parametrize(
    ("sections", "why"),
    [
        ({"dns": {"port": 53}}, "port 53"),
        ({"proxy": {"transparent_port": 8443}}, "transparent_port"),
        ({"proxy": {"tproxy_port": 0}}, "tproxy_port"),
        ({"dns": {"page_address": ["192.0.2.1"]}}, "port 80"),
    ],
)
def test_root_without_a_user_is_refused_where_root_would_do_root_s_work(sections: dict[str, Any], why: str) -> None:
    with pytest.raises(PrivilegeError, match=rf"{why}.*set `user:`"):
        standing(config(**sections), 0)


def test_a_port_that_is_free_is_no_low_port() -> None:
    assert low_ports(config(dns={"port": 0}, collector={"port": 0})) == []
    assert low_ports(config(dns={"port": 53}, proxy={"port": 80})) == [53, 80]


def test_who_is_not_root_stays_who_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert leave_root(config(user="nobody"), tmp_path) == ""


@pytest.mark.parametrize(
    ("user", "why"), [("no-such-user-here", "no user 'no-such-user-here'"), ("toor", "root under another name")]
)
def test_a_user_that_will_not_do_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: str, why: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    real = pwd.getpwnam
    monkeypatch.setattr(pwd, "getpwnam", lambda name: real("root") if name == "toor" else real(name))
    with pytest.raises(PrivilegeError, match=why):
        leave_root(config(user=user, state_dir=tmp_path / "state"), tmp_path)
    assert not (tmp_path / "state").exists()


def test_a_state_directory_of_somebody_else_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    other = "nobody" if os.getuid() != 65534 else "daemon"
    with pytest.raises(PrivilegeError, match=f"is not {other}'s; give it away"):
        leave_root(config(user=other, state_dir=tmp_path), tmp_path)


@pytest.fixture
def without_the_drop(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, set[int]]]:
    """Be root to all but the system: what would be given up is noted; that it is, the processes below show."""
    asked: list[tuple[str, set[int]]] = []
    me = privileges.Account("me", os.getuid(), os.getgid(), "/")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(privileges, "_account", lambda name: me)
    monkeypatch.setattr(privileges, "become", lambda account, keep: asked.append((account.name, set(keep))))
    return asked


def test_a_state_directory_is_made_before_root_is_left(without_the_drop: Any, tmp_path: Path) -> None:
    file, state = tmp_path / "config.yaml", tmp_path / "deep" / "state"
    file.touch()
    assert leave_root(config(user="me", state_dir=state), file) == ""
    assert without_the_drop == [("me", set())]
    assert state.stat().st_mode & 0o777 == 0o700


def test_low_ports_keep_one_right(without_the_drop: Any, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    leave_root(config(user="me", state_dir=tmp_path / "s", dns={"port": 53}), tmp_path / "config.yaml")
    assert without_the_drop == [("me", {privileges.CAP_NET_BIND_SERVICE})]


@pytest.mark.parametrize("backend", ["auto", "kernel", "userspace"])
def test_the_tunnels_interface_is_made_while_that_is_allowed(
    without_the_drop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    made: list[str] = []
    monkeypatch.setattr(privileges.kernel_backend, "keep_for_later", made.append)
    (tmp_path / "config.yaml").touch()
    wanted = config(user="me", state_dir=tmp_path / "s", wireguard={"enabled": True, "backend": backend})
    leave_root(wanted, tmp_path / "config.yaml")
    assert made == ([] if backend == "userspace" else ["seawall0"])
    assert bool(privileged_work(wanted)) is (backend != "userspace")


def test_an_interface_that_must_be_had_and_cannot_stops_the_start(
    without_the_drop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(interface: str) -> None:
        raise TunnelError("no /dev/net/tun")

    monkeypatch.setattr(privileges.kernel_backend, "keep_for_later", fail)
    (tmp_path / "config.yaml").touch()
    wanted = config(user="me", state_dir=tmp_path / "s", wireguard={"enabled": True, "backend": "kernel"})
    with pytest.raises(PrivilegeError, match="no /dev/net/tun"):
        leave_root(wanted, tmp_path / "config.yaml")
    auto = config(user="me", state_dir=tmp_path / "s2", wireguard={"enabled": True})
    leave_root(auto, tmp_path / "config.yaml")
    assert len(without_the_drop) == 1


def test_what_the_user_cannot_reach_is_named(without_the_drop: Any, tmp_path: Path) -> None:
    with pytest.raises(PrivilegeError, match=r"me may not reach .*gone"):
        leave_root(config(user="me", state_dir=tmp_path / "s"), tmp_path / "gone")


@needs_root
def test_sockets_for_tproxy_are_made_while_that_is_allowed(
    without_the_drop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(privileges.transparent.INHERITED, "")
    (tmp_path / "config.yaml").touch()
    wanted = config(user="me", state_dir=tmp_path / "s", proxy={"tproxy_port": 8444})
    leave_root(wanted, tmp_path / "config.yaml")
    held = privileges.transparent.inherited()
    for number in held:
        assert os.get_inheritable(number)
        os.close(number)
    assert len(held) == 2


def test_a_right_that_cannot_be_given_up_is_an_error() -> None:
    with pytest.raises(PrivilegeError, match="prctl 99999"):
        privileges._prctl(99999)


_LEAVE = """
import json, os, socket, sys
from pathlib import Path
from proxy import privileges
from proxy.config.model import Config
config = Config.model_validate(json.loads(sys.argv[1]))
if "check" not in sys.argv:
    privileges._require_access = lambda paths, account: None  # the interpreter may stand in a closed folder
print(privileges.leave_root(config, Path(sys.argv[2])), flush=True)
facts = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
try:
    os.setuid(0)
    back = True
except OSError:
    back = False
with socket.socket() as one:
    try:
        one.bind(("127.0.0.1", 89))
        low = True
    except OSError:
        low = False
child = os.popen("grep CapEff /proc/self/status").read().split()[-1]
kept = os.environ.get("SEAWALL_TRANSPARENT_FDS", "")
first = [int(each[2:]) for each in kept.split(",") if each[:2] == "4:"]
transparent = [socket.socket(fileno=each).getsockopt(socket.SOL_IP, 19) for each in first]
rights = [facts["NoNewPrivs"].strip(), facts["CapEff"].strip(), child]
print(json.dumps([os.getresuid(), os.getgroups(), *rights, back, low, transparent, os.environ["USER"]]))
"""


def _left(folder: Path, *more: str, **sections: Any) -> subprocess.CompletedProcess[str]:
    folder.chmod(0o755)
    given = json.dumps({"user": "nobody", "state_dir": str(folder / "state"), **sections})
    command = [sys.executable, "-c", _LEAVE, given, str(folder), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)


@needs_root
def test_a_process_that_left_root_has_nothing_left(tmp_path: Path) -> None:
    done = _left(tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    none = "0" * 16
    assert found == [[65534] * 3, [], "1", none, none, False, False, [], "nobody"]
    assert (tmp_path / "state").stat().st_uid == 65534


@needs_root
def test_low_ports_and_sockets_for_tproxy_are_kept_and_nothing_else(tmp_path: Path) -> None:
    done = _left(tmp_path, dns={"port": 53}, proxy={"tproxy_port": 8444})
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    bind = f"{1 << privileges.CAP_NET_BIND_SERVICE:016x}"
    assert found == [[65534] * 3, [], "1", bind, bind, False, True, [1], "nobody"]


@needs_root
def test_a_user_who_may_not_read_the_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    done = _left(tmp_path / "closed", "check")
    assert done.returncode == 1
    assert "nobody may not" in done.stderr
