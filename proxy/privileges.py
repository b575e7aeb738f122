"""Leave root before anything listens: which user the gateway becomes, and what it keeps (Linux).

Started as root, a gateway that needs root for nothing but its start becomes `user:` for good, with no new privileges.
It keeps the right to bind ports below 1024 where such ports are configured, and sockets for TPROXY made beforehand; the
firewall is changed by commands of their own (`seawall firewall`, `seawall protect`), and for the tunnel by the process
that keeps its interface, never by the gateway.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.config.model import Config
from proxy.config.sections.wireguard import WireguardConfig
from proxy.front import transparent
from proxy.own_ports import ports_of
from proxy.wireguard import kernel_backend
from proxy.wireguard.backend import TunnelError

_LOW = 1024  # ports below need a right
CAP_NET_BIND_SERVICE = 10
_PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 8, 24, 38, 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")


class PrivilegeError(PermissionError):
    """Say why the gateway may not run as it was started, and what to set."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Say what becomes of the process: the user it becomes, if any, and what a person is to be told."""

    user: str = ""
    warning: str = ""


def standing(config: Config, uid: int) -> Standing:
    """Decide from the configuration and the user id. Raises PrivilegeError where root needs `user:`.

    Without `user:` root is refused only where the gateway does what attackers would like to have with root: it takes
    other people's traffic, or ports that everybody reaches. Elsewhere it runs, and says so.
    """
    if uid != 0:
        return Standing()
    if config.user == "root":
        return Standing(warning="the gateway stays root, as `user: root` says: a flaw in it would own this machine")
    if config.user:
        return Standing(config.user)
    if why := privileged_work(config):
        raise PrivilegeError(f"started as root with {why}: set `user:` to the user that the gateway is to become")
    return Standing(warning="the gateway runs as root; set `user:` in config.yaml, or start it as another user")


def privileged_work(config: Config) -> str:
    """Say what of the configuration needs root, for people; empty when nothing does."""
    if config.proxy.transparent_port is not None or config.proxy.tproxy_port is not None:
        return "redirected traffic (`proxy.transparent_port` or `proxy.tproxy_port`)"
    if config.wireguard.enabled and config.wireguard.backend != "userspace":
        return "a network interface (`wireguard.backend`)"
    low = low_ports(config)
    return f"port {low[0]}" if low else ""


def low_ports(config: Config) -> list[int]:
    """Return the configured ports that only root, or who has the right, may bind."""
    return sorted(port for port in ports_of(config) if port < _LOW)


def leave_root(config: Config, config_path: Path) -> str:
    """Become the configured user when started as root; return a warning for people, or nothing.

    Raises PrivilegeError, with nothing changed, when the configuration forbids root or the user cannot do the work.
    """
    decided = standing(config, os.geteuid())
    if not decided.user:
        return decided.warning
    account = _account(decided.user)
    _give_state(config.state_dir, account)
    if config.proxy.tproxy_port is not None:
        keep_transparent_sockets()
    if config.wireguard.enabled and config.wireguard.backend != "userspace":
        keep_tunnel(config.wireguard)
    become(account, {CAP_NET_BIND_SERVICE} if low_ports(config) else ())
    _require_access((config_path, config.state_dir, Path(sys.executable)), account)
    return decided.warning


@dataclass(frozen=True, slots=True)
class Account:
    """Hold a user of the system."""

    name: str
    uid: int
    gid: int
    home: str


NOBODY = Account("nobody", 65534, 65534, "/")


def become(account: Account, keep: Iterable[int] = ()) -> None:  # pragma: no cover - in real processes, see its test
    """Become a user for good: its group alone, no capability but those in `keep`, and none to be had again.

    What is kept is ambient, so that the gateway's own processes have it too.
    """
    kept = frozenset(keep)
    for number in range(_last_capability() + 1):
        if number not in kept:
            _prctl(_PR_CAPBSET_DROP, number)
    if kept:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    if kept:
        _set_capabilities(kept)
        for number in kept:
            _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    os.environ.update(HOME=account.home, USER=account.name, LOGNAME=account.name)


def keep_transparent_sockets() -> None:
    """Make the sockets of TPROXY while we may, and name them for the processes that will be started."""
    made = []
    for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        descriptor = transparent.transparent_socket(family).detach()
        os.set_inheritable(descriptor, True)
        made.append(f"{version}:{descriptor}")
    os.environ[transparent.INHERITED] = ",".join(made)


def keep_tunnel(tunnel: WireguardConfig) -> None:
    """Make the tunnel's interface while we may, in a process of its own. Raises PrivilegeError where it must be had."""
    try:
        kernel_backend.keep_for_later(tunnel.interface)
    except TunnelError as error:
        if tunnel.backend == "kernel":
            raise PrivilegeError(str(error)) from None


def _account(name: str) -> Account:
    import pwd  # noqa: PLC0415 - not there on every platform, and needed only here

    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise PrivilegeError(
            f"user: this machine has no user {name!r}; add one, such as `useradd --system {name}`"
        ) from None
    if found.pw_uid == 0:
        raise PrivilegeError(f"user: {name} is root under another name; write `root` where that is meant")
    return Account(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir)


def _give_state(folder: Path, account: Account) -> None:
    """Make the state directory for the user; one that is there must be the user's already."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        os.chown(folder, account.uid, account.gid)
    elif folder.stat().st_uid != account.uid:
        raise PrivilegeError(
            f"state_dir: {folder} is not {account.name}'s; give it away with "
            f"`chown -R {account.name}: {folder}`, or name another directory"
        )


def _require_access(paths: Sequence[Path], account: Account) -> None:
    for path in paths:
        if not os.access(path, os.R_OK):
            raise PrivilegeError(f"user: {account.name} may not reach {path}; see the folders above it too")


def _last_capability() -> int:
    try:
        return int(_LAST_CAPABILITY.read_text())
    except (OSError, ValueError):
        return CAP_NET_BIND_SERVICE - 1  # no Linux: there is nothing to drop


def _prctl(option: int, *values: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if _libc().prctl(ctypes.c_int(option), *padded) != 0:
        number = ctypes.get_errno()
        raise PrivilegeError(number, f"cannot give up rights (prctl {option}): {os.strerror(number)}")


def _set_capabilities(numbers: frozenset[int]) -> None:  # pragma: no cover - in real processes, see its test
    """Set effective, permitted and inheritable capabilities (capset(2), version 3: two words of 32 bits each)."""
    bits = sum(1 << number for number in numbers)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    low, high = bits & 0xFFFFFFFF, bits >> 32
    data = (ctypes.c_uint32 * 6)(low, low, low, high, high, high)
    if _libc().capset(header, data) != 0:
        number = ctypes.get_errno()
        raise PrivilegeError(number, f"cannot give up rights (capset): {os.strerror(number)}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
