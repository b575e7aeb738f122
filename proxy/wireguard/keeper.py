"""The process that holds CAP_NET_ADMIN for the tunnel: it makes the interface, sets peers and rules, and cleans up.

Run as `python -m proxy.wireguard.keeper INTERFACE DESCRIPTOR` before the gateway leaves root. It answers one JSON line
for each on a socket that it was given, and takes everything away when the other end is gone, however that ended. It
knows no device and decides nothing.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from proxy.firewall import kernel
from proxy.firewall.kernel import FirewallError
from proxy.privileges import NOBODY, become
from proxy.profiles.keys import checked_public
from proxy.wireguard import interface, leftovers, routing, rules
from proxy.wireguard.backend import PeerTraffic, TunnelError, TunnelPeer
from proxy.wireguard.blocked_addresses import Range
from proxy.wireguard.interface import Interface
from proxy.wireguard.plan import TunnelPlan, checked_interface, plan_from

CAP_NET_ADMIN = 12
_LOOK = 1.0  # seconds between looks whether wireguard-go lives
_MOST = 16 * 1024 * 1024  # bytes of a request: ten thousand peers, or a hundred thousand ranges


class Keeper:
    """Hold one interface, and do what is asked for it."""

    def __init__(self, found: Interface) -> None:
        self._found = found
        self._plan: TunnelPlan | None = None
        self._peers: tuple[TunnelPeer, ...] = ()
        self.restarts = 0

    def do(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Do one thing. Raises FirewallError, TunnelError or ValueError, saying why not."""
        match asked["op"]:
            case "hello":
                return {"carrier": self._found.carrier}
            case "start":
                self._start(plan_from(asked["plan"]), _peers(asked["peers"]))
                return {"carrier": self._found.carrier}
            case "apply":
                self._apply(_peers(asked["peers"]))
                return {}
            case "block":
                self._block([_range(one) for one in asked["ranges"]])
                return {}
            case "traffic":
                return {"peers": [_told(one) for one in interface.traffic(self._found.name)], "restarts": self.restarts}
            case other:
                raise ValueError(f"no operation {other!r:.40}")

    def _start(self, plan: TunnelPlan, peers: tuple[TunnelPeer, ...]) -> None:
        """Rules first: no packet shall come in that they do not meet."""
        if plan.interface != self._found.name:
            raise ValueError(f"the interface is {self._found.name}, not {plan.interface}")
        off = routing.switched_off(kernel.table_rules(rules.TABLE)) if plan.forwards_udp else ()
        kernel.run_transaction(rules.tunnel(plan, off))
        routing.switch_on(off)
        interface.set_up(plan, peers)
        self._plan, self._peers = plan, peers

    def _apply(self, peers: tuple[TunnelPeer, ...]) -> None:
        if self._plan is None:
            raise ValueError("say `start` first")
        interface.apply(self._plan, peers)
        self._peers = peers

    def _block(self, ranges: Sequence[Range]) -> None:
        if self._plan is None:
            raise ValueError("say `start` first")
        kernel.run_transaction(rules.blocking(ranges))

    def look(self) -> None:
        """Have the interface carried again when wireguard-go has ended."""
        if self._found.is_alive():
            return
        self.restarts += 1
        try:
            if self._found.means:
                self._found = interface.carried(self._found.name, self._found.means)
            if self._plan:
                interface.set_up(self._plan, self._peers)
        except (FirewallError, TunnelError) as error:
            _say(f"the tunnel's interface cannot be made again: {error}")

    def clean_up(self) -> None:
        """Take rules and interface away."""
        interface.take_down(self._found)
        try:
            leftovers.remove_rules()
        except FirewallError as error:
            _say(f"the tunnel's rules cannot be removed: {error}")


def serve(keeper: Keeper, asking: socket.socket) -> None:
    """Answer lines until the other end is gone."""
    held = b""
    while True:
        ready, _, _ = select.select([asking], [], [], _LOOK)
        keeper.look()
        if not ready:
            continue
        data = asking.recv(65536)
        held += data
        if not data or len(held) > _MOST:
            return
        *lines, held = held.split(b"\n")
        for line in lines:
            asking.sendall(json.dumps(answer(keeper, line)).encode() + b"\n")


def answer(keeper: Keeper, line: bytes) -> dict[str, Any]:
    """Return the answer to one line."""
    try:
        return {"ok": True, **keeper.do(json.loads(line))}
    except (FirewallError, TunnelError, OSError, ValueError, KeyError, TypeError) as error:
        return {"ok": False, "error": str(error) or type(error).__name__}


def _peers(body: Any) -> tuple[TunnelPeer, ...]:
    return tuple(
        TunnelPeer("", checked_public(one["key"]), tuple(str(ip_address(each)) for each in one["addresses"]))
        for one in body
    )


def _range(body: Any) -> Range:
    """Read a range. Raises ValueError for what is none."""
    first, last = map(ip_address, body)
    if first.version != last.version or int(first) > int(last):
        raise ValueError(f"{first} to {last} is no range")
    return first, last


def _told(one: PeerTraffic) -> dict[str, Any]:
    return {"key": one.key, **one.to_json()}


def _require_alone() -> None:
    if interface.is_minded():
        raise TunnelError("wireguard: another gateway's tunnel is up on this computer; stop it first")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Make the interface, say so, then keep it."""
    name, asking = checked_interface(arguments[0]), socket.socket(fileno=int(arguments[1]))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the other end says when
    try:
        leftovers.remove()
        _require_alone()
        means = interface.means_of(name)
        if os.geteuid() == 0:
            become(NOBODY, {CAP_NET_ADMIN})
        keeper = Keeper(interface.made(name, means))
    except (FirewallError, TunnelError, OSError) as error:
        asking.sendall(json.dumps({"ok": False, "error": str(error)}).encode() + b"\n")
        return 1
    try:
        asking.sendall(json.dumps({"ok": True, **keeper.do({"op": "hello"})}).encode() + b"\n")
        serve(keeper, asking)
    except OSError:
        pass  # the other end is gone
    finally:
        keeper.clean_up()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
