"""The userspace backend as the supervisor has it: the tunnels are in a process of their own, and this tells it to look.

That process takes its devices from the registry; what is told here is that the registry has changed, and when the
answer comes, the change is in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from proxy.control import ControlClient, ControlError
from proxy.wireguard.backend import PeerTraffic, TunnelError, TunnelPeer
from proxy.wireguard.blocked_addresses import Range


class UserspaceBackend:
    """Speak to the tunnels' process at its socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.trouble = ""

    async def start(self, peers: Sequence[TunnelPeer]) -> None:
        """Do nothing: the process starts with the others, and is ready once it has taken the devices over."""

    async def apply(self, peers: Sequence[TunnelPeer]) -> None:
        """Return when the registry's devices are in force. Raises TunnelError; `trouble` keeps who has no tunnel."""
        without = [peer for peer in peers if not peer.port]
        problems = [str(one) for one in (await self._ask("apply"))["problems"]]
        if without:
            problems.append(f"{len(without)} devices have no port: name more in `wireguard.ports`, then rotate them")
        self.trouble = "; ".join(problems)

    async def block(self, ranges: Sequence[Range]) -> None:
        """Do nothing: here each flow of datagrams is judged by its address when it begins."""

    async def traffic(self) -> Mapping[str, PeerTraffic]:
        """Return when each peer was heard last; this stack counts no bytes. Raises TunnelError."""
        told: Mapping[str, Any] = (await self._ask("traffic"))["traffic"]
        return {
            key: PeerTraffic(key, datetime.fromisoformat(one["handshake"]), str(one["endpoint"]))
            for key, one in told.items()
        }

    async def stop(self) -> None:
        """Do nothing: the process ends with the others."""

    async def _ask(self, op: str) -> Mapping[str, Any]:
        client = ControlClient(self._path)  # a new one each time: the process may have been started again
        try:
            return await client.call(op)
        except ControlError as problem:
            raise TunnelError(f"the process of the tunnels: {problem}") from None
        finally:
            await client.close()
