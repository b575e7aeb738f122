"""What a gateway that was killed may leave of its tunnel, removed: an interface, its socket, and rules."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from proxy.firewall import kernel
from proxy.firewall.rules import removed
from proxy.wireguard import interface, routing, rules


def remove() -> None:
    """Remove everything that nobody minds any more; the tunnel of a gateway that runs stays. Raises FirewallError."""
    for name in interface.leftovers():
        kernel.try_commands([["ip", "link", "del", "dev", name]])
    if not interface.is_minded():
        remove_rules()
        _remove_sockets()


def remove_rules() -> None:
    """Take the tunnel's rules away, and turn off what they say was off; harmless where there are none.

    Raises FirewallError.
    """
    found = kernel.table_rules(rules.TABLE)
    with contextlib.suppress(OSError):
        routing.switch_back(found)
    if found:
        kernel.run_transaction(removed(rules.TABLE))


def _remove_sockets() -> None:
    """Remove sockets at which no wireguard-go answers any more; others' are made by root and stay.

    Interfaces are not looked at: network namespaces share the folder, and wireguard-go ends with its socket.
    """
    with contextlib.suppress(OSError):
        for path in interface.SOCKETS.glob("*.sock"):
            if path.stat().st_uid == interface.OWNER and not _answers(path):
                path.unlink()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True
