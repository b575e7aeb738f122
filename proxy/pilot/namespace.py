"""Work inside a device's tunnel: a thread leaves for a network namespace that has nothing but the tunnel (Linux, root).

The tunnel's own packets leave from where its interface was made, this computer's network, while what the thread opens
is in the namespace, so that nothing of the work can go around the tunnel. The namespace ends with the thread.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from proxy.firewall import kernel
from proxy.firewall.kernel import FirewallError
from proxy.pilot.clients import PilotError
from proxy.profiles.wireguard import TunnelProfile
from proxy.wireguard import interface
from proxy.wireguard.backend import TunnelError
from proxy.wireguard.interface import Interface

_HERE = "/proc/thread-self/ns/net"
_NEEDS = "--tunnel needs Linux and root: a network of the device's own is made for the run"


async def inside[Result](tunnel: TunnelProfile, work: Callable[[], Awaitable[Result]]) -> Result:
    """Do the work in a loop whose sockets have the tunnel alone. Raises PilotError where that cannot be had."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise PilotError(_NEEDS)

    def alone() -> Result:
        with _tunnel_alone(tunnel):
            return asyncio.run(_awaited(work))

    with ThreadPoolExecutor(1, "pilot") as thread:
        return await asyncio.get_running_loop().run_in_executor(thread, alone)


async def _awaited[Result](work: Callable[[], Awaitable[Result]]) -> Result:
    return await work()


@contextmanager
def _tunnel_alone(tunnel: TunnelProfile) -> Iterator[None]:
    """Put this thread into a namespace that has the tunnel, and the thread back at the end."""
    name = f"swp{os.getpid()}"[:15]
    home = os.open(_HERE, os.O_RDONLY)
    found: Interface | None = None
    try:
        found = interface.made(name, interface.means_of(name))
        kernel.run_with_input(["wg", "setconf", name, "/dev/stdin"], _configuration(tunnel))
        _leave_with(name, home)
        kernel.run_commands(_commands(name, tunnel))
        yield
    except (FirewallError, TunnelError) as error:
        raise PilotError(f"the pilot's tunnel: {error}") from None
    finally:
        if found:
            interface.take_down(found)
        with suppress(OSError):
            (interface.SOCKETS / f"{name}.sock").unlink()
        os.setns(home, os.CLONE_NEWNET)
        os.close(home)


def _leave_with(name: str, home: int) -> None:
    """Enter a new namespace and take the interface there; `ip` has to be run where the interface still is."""
    os.unshare(os.CLONE_NEWNET)
    new = os.open(_HERE, os.O_RDONLY)
    try:
        os.setns(home, os.CLONE_NEWNET)
        kernel.run_commands([["ip", "link", "set", "dev", name, "netns", f"/proc/{os.getpid()}/fd/{new}"]])
        os.setns(new, os.CLONE_NEWNET)
    finally:
        os.close(new)


def _configuration(tunnel: TunnelProfile) -> str:
    lines = ["[Interface]", f"PrivateKey = {tunnel.private_key}", "[Peer]", f"PublicKey = {tunnel.server_key}"]
    lines += [f"AllowedIPs = {', '.join(map(str, tunnel.allowed))}", f"Endpoint = {tunnel.endpoint}"]
    return "\n".join([*lines, "PersistentKeepalive = 5", ""])


def _commands(name: str, tunnel: TunnelProfile) -> Iterator[list[str]]:
    for address in tunnel.addresses:
        more = ["nodad"] if address.version == 6 else []
        yield ["ip", "addr", "add", f"{address}/{address.max_prefixlen}", "dev", name, *more]
    yield ["ip", "link", "set", "dev", name, "mtu", str(tunnel.mtu), "up"]
    for network in tunnel.allowed:
        yield ["ip", f"-{network.version}", "route", "replace", str(network), "dev", name]
