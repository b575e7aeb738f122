"""The tunnel's network interface: made by the kernel's WireGuard, or by wireguard-go as a child where it has none.

Needs CAP_NET_ADMIN. An interface of ours bears an alias with the process that minds it, by which a leftover of a crash
is told from anybody else's interface. Peers are set by `wg syncconf`, which disturbs nobody who stays.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from proxy.firewall import kernel
from proxy.firewall.kernel import FirewallError
from proxy.wireguard.backend import PeerTraffic, TunnelError, TunnelPeer
from proxy.wireguard.plan import TunnelPlan

DEVICES = Path("/sys/class/net")
SOCKETS = Path("/var/run/wireguard")  # where `wg` looks for what is not the kernel's
OWNER = 65534  # nobody, whom wireguard-go runs as
TUN = "/dev/net/tun"
_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
_MANY_SINCE = 20230223
_ALIAS = "seawall:"
_WITHIN = 10.0  # seconds for wireguard-go to answer
_ENDS_WITHIN = 5.0  # seconds
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Means:
    """Hold what wireguard-go needs and only root can have: the socket by which `wg` asks it, and the tunnel device."""

    answering: socket.socket
    device: int


@dataclass(slots=True)
class Interface:
    """Hold the interface; `child` is wireguard-go where that carries it."""

    name: str
    means: Means | None = None
    child: subprocess.Popen[bytes] | None = None

    @property
    def carrier(self) -> str:
        """Name what carries it."""
        return "wireguard-go" if self.child else "kernel"

    def is_alive(self) -> bool:
        """Say whether it is still carried."""
        return self.child is None or self.child.poll() is None


def means_of(name: str) -> Means | None:
    """Open what wireguard-go needs, in place of what an earlier process left; None where this user may not.

    To be called while root.
    """
    answering = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path = SOCKETS / f"{name}.sock"
    try:
        SOCKETS.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        answering.bind(str(path))
        path.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(path, OWNER, OWNER)
        answering.listen(16)
        return Means(answering, os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        answering.close()
        return None


def made(name: str, means: Means | None) -> Interface:
    """Make the interface. Raises TunnelError saying what to do."""
    try:
        remove_leftover(name)
        kernel.run_commands([["ip", "link", "add", name, "type", "wireguard"]])
        found = Interface(name)
    except kernel.MissingRightError:
        raise TunnelError(
            "wireguard.backend: a network interface needs root: start the gateway with sudo and `user:` set, or set "
            "`backend: userspace`"
        ) from None
    except FirewallError as error:
        found = _by_wireguard_go(name, means, str(error))
    kernel.run_commands([["ip", "link", "set", "dev", name, "alias", f"{_ALIAS}{os.getpid()}"]])
    return found


def _by_wireguard_go(name: str, means: Means | None, why: str) -> Interface:
    program = shutil.which("wireguard-go")
    if program is None or means is None:
        raise TunnelError(
            f"wireguard.backend: this kernel has no WireGuard ({why}), and wireguard-go "
            + ("is not installed: install it (Debian package wireguard-go)" if program is None else "needs root")
            + ", or set `backend: userspace`"
        )
    try:
        flags = _IFF_TUN | (_IFF_NO_PI | _IFF_VNET_HDR if _takes_many_packets(program) else 0)
        fcntl.ioctl(means.device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except OSError as error:
        raise TunnelError(f"wireguard.interface: {name} cannot be made: {error.strerror}") from None
    return carried(name, means)


def carried(name: str, means: Means) -> Interface:
    """Start wireguard-go on a device that is there; return when `wg` can ask it. Raises TunnelError."""
    kept = (means.answering.fileno(), means.device)
    child = subprocess.Popen(  # noqa: S603 - a program of the system, with a name that was checked
        [shutil.which("wireguard-go") or "wireguard-go", "-f", name],
        env={"WG_UAPI_FD": str(kept[0]), "WG_TUN_FD": str(kept[1]), "LOG_LEVEL": "error"},
        pass_fds=kept,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent(),  # noqa: PLW1509 - the keeper has one thread
    )
    until = time.monotonic() + _WITHIN
    while child.poll() is None and time.monotonic() < until:
        with contextlib.suppress(FirewallError):
            kernel.run_with_input(["wg", "show", name, "listen-port"])
            return Interface(name, means, child)
        time.sleep(0.02)
    child.kill()
    child.wait()
    raise TunnelError(f"wireguard.backend: wireguard-go does not carry {name}; try it by hand: wireguard-go -f {name}")


def _takes_many_packets(program: str) -> bool:
    """Say whether this wireguard-go reads several packets at once (0.0.20230223 and later).

    It then expects a virtio header before each, and an earlier one a header of its own (IFF_NO_PI not set).
    """
    said = kernel.run_with_input([program, "--version"])
    found = re.search(r"0\.0\.(\d{8})", said)
    return found is not None and int(found[1]) >= _MANY_SINCE


def end_with_parent() -> Callable[[], None]:
    """Return what a child does before its program starts: it asks to be killed when its parent ends."""
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork, where nothing else may be done

    def ask() -> None:  # pragma: no cover - in the child
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    return ask


def set_up(plan: TunnelPlan, peers: Sequence[TunnelPeer]) -> None:
    """Give the interface its keys, peers and addresses, and open it. Raises FirewallError."""
    name = plan.interface
    apply(plan, peers)
    kernel.try_commands([["ip", "link", "set", "dev", name, "addrgenmode", "none"]])
    kernel.run_commands(
        [
            ["ip", "-4", "addr", "replace", f"{plan.network[1]}/{plan.network.prefixlen}", "dev", name],
            ["ip", "-6", "addr", "replace", f"{plan.network6[1]}/{plan.network6.prefixlen}", "dev", name, "nodad"],
            ["ip", "link", "set", "dev", name, "mtu", str(plan.mtu), "up"],
        ]
    )


def apply(plan: TunnelPlan, peers: Sequence[TunnelPeer]) -> None:
    """Have these peers and no others. Raises FirewallError; what fails changes nothing."""
    kernel.run_with_input(["wg", "syncconf", plan.interface, "/dev/stdin"], configuration(plan, peers))


def configuration(plan: TunnelPlan, peers: Sequence[TunnelPeer]) -> str:
    """Return what `wg syncconf` is given: our key, and each peer with the addresses that are its alone."""
    lines = ["[Interface]", f"PrivateKey = {plan.private_key}", f"ListenPort = {plan.port}"]
    for peer in peers:
        allowed = ", ".join(f"{one}/{128 if ':' in one else 32}" for one in peer.addresses)
        lines += ["", "[Peer]", f"PublicKey = {peer.key}", f"AllowedIPs = {allowed}"]
    return "\n".join([*lines, ""])


def traffic(name: str) -> list[PeerTraffic]:
    """Return what is known of each peer. Raises FirewallError."""
    rows = (line.split("\t") for line in kernel.run_with_input(["wg", "show", name, "dump"]).splitlines()[1:])
    return [_row(row) for row in rows if len(row) >= 7]


def _row(row: Sequence[str]) -> PeerTraffic:
    """Read a line of `wg show … dump`: key, preshared key, endpoint, allowed IPs, handshake, received, sent, ..."""
    key, _, endpoint, _, handshake, received, sent = row[:7]
    when = datetime.fromtimestamp(int(handshake), UTC) if handshake != "0" else None
    return PeerTraffic(key, when, "" if endpoint == "(none)" else endpoint, int(received), int(sent))


def take_down(found: Interface) -> None:
    """Take the interface away. Raises nothing: what is gone is gone."""
    if found.child:
        found.child.terminate()
        try:
            found.child.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            found.child.kill()
            found.child.wait()
    if found.means:
        os.close(found.means.device)
        found.means.answering.close()
    with contextlib.suppress(FirewallError):
        kernel.run_commands([["ip", "link", "del", "dev", found.name]])


def remove_leftover(name: str) -> None:
    """Remove what a gateway that crashed left under a name. Raises TunnelError when it is somebody's, or not ours."""
    if not (DEVICES / name).exists():
        return
    minder = minder_of(name)
    if minder is None:
        raise TunnelError(f"wireguard.interface: {name} is there already, and not ours; set another name")
    if minder != os.getpid() and _is_alive(minder):
        raise TunnelError(f"wireguard.interface: {name} is another gateway's (process {minder}); set another name")
    kernel.try_commands([["ip", "link", "del", "dev", name]])


def minder_of(name: str) -> int | None:
    """Return the process that minds an interface of ours; none for anybody else's."""
    with contextlib.suppress(OSError, ValueError):
        alias = (DEVICES / name / "ifalias").read_text().strip()
        if alias.startswith(_ALIAS):
            return int(alias.removeprefix(_ALIAS))
    return None


def leftovers() -> list[str]:
    """Return the interfaces of ours that nobody minds any more."""
    minded = ((path.name, minder_of(path.name)) for path in sorted(DEVICES.iterdir()))
    return [name for name, minder in minded if minder is not None and not _is_alive(minder)]


def is_minded() -> bool:
    """Say whether some gateway's tunnel is up on this machine."""
    minders = (minder_of(path.name) for path in DEVICES.iterdir())
    return any(minder is not None and _is_alive(minder) for minder in minders)


def _is_alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        return b"proxy.wireguard.keeper" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False
