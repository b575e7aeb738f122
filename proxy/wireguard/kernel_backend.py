"""The tunnel as a network interface, by the process that may make one (`keeper.py`): its start and its questions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from proxy.wireguard.backend import PeerTraffic, TunnelError, TunnelPeer
from proxy.wireguard.blocked_addresses import Range
from proxy.wireguard.plan import TunnelPlan

INHERITED = "SEAWALL_TUNNEL_FD"
"""Environment variable with the descriptor of a keeper's socket, made before the gateway left root."""
_STARTS_WITHIN = 30.0  # seconds
_ANSWERS_WITHIN = 15.0  # seconds
_LONGEST = 8 * 1024 * 1024  # bytes of an answer


def start_keeper(interface: str) -> socket.socket:
    """Start a keeper that has made the interface; return the socket to speak to it. Raises TunnelError."""
    ours, its = socket.socketpair()
    with its:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "proxy.wireguard.keeper", interface, str(its.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(its.fileno(),),
            start_new_session=True,
        )
    try:
        ours.settimeout(_STARTS_WITHIN)
        with ours.makefile("rb") as said:
            _checked(said.readline())
    except (OSError, TunnelError) as error:
        ours.close()
        process.wait(_STARTS_WITHIN)
        raise TunnelError(str(error) or "the keeper of the tunnel does not start") from None
    ours.settimeout(None)
    return ours


def keep_for_later(interface: str) -> None:
    """Start a keeper while we may, and name it for the gateway that this process becomes. Raises TunnelError."""
    os.environ[INHERITED] = str(start_keeper(interface).detach())


def kept() -> socket.socket | None:
    """Return the socket of the keeper that was started before; None where there is none. It can be taken once."""
    number = os.environ.pop(INHERITED, "")
    return socket.socket(fileno=int(number)) if number else None


class KernelBackend:
    """Carry the tunnel by the keeper at the other end of a socket."""

    def __init__(self, asking: socket.socket, plan: TunnelPlan) -> None:
        self._asking: socket.socket | None = asking
        self._plan = plan
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._one_at_a_time = asyncio.Lock()
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Say that the keeper is gone: devices then reach nothing until the gateway is started again."""
        gone = self._reader is not None and self._reader.at_eof()
        return "the tunnel is down: the process that keeps it has ended; start the gateway again" if gone else ""

    async def start(self, peers: Sequence[TunnelPeer]) -> None:
        """Put rules, addresses and peers in force. Raises TunnelError."""
        sock, self._asking = self._asking, None
        self._reader, self._writer = await asyncio.open_unix_connection(sock=sock, limit=_LONGEST)
        try:
            await self._ask("start", plan=self._plan.to_json(), peers=_listed(peers))
        except TunnelError:
            await self.stop()
            raise

    async def apply(self, peers: Sequence[TunnelPeer]) -> None:
        """Have these peers and no others. Raises TunnelError."""
        await self._ask("apply", peers=_listed(peers))

    async def block(self, ranges: Sequence[Range]) -> None:
        """Pass no datagrams on to these addresses. Raises TunnelError."""
        await self._ask("block", ranges=[[str(first), str(last)] for first, last in ranges])

    async def traffic(self) -> Mapping[str, PeerTraffic]:
        """Return what is known of each peer. Raises TunnelError."""
        return {one["key"]: _read(one) for one in (await self._ask("traffic"))["peers"]}

    async def stop(self) -> None:
        """Let go of the keeper, which takes everything away, and wait until it has."""
        if self._asking is not None:
            self._asking.close()
            self._asking = None
        if self._writer is None or self._reader is None:
            return
        with contextlib.suppress(OSError, TimeoutError):
            self._writer.write_eof()
            async with asyncio.timeout(_ANSWERS_WITHIN):
                await self._reader.read()
        self._writer.close()
        self._writer = None

    async def _ask(self, op: str, **fields: Any) -> dict[str, Any]:
        if self._writer is None or self._reader is None:
            raise TunnelError("the tunnel has not been started")
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(_ANSWERS_WITHIN):
                    self._writer.write(json.dumps({"op": op, **fields}).encode() + b"\n")
                    await self._writer.drain()
                    return _checked(await self._reader.readline())
            except (OSError, TimeoutError) as error:
                raise TunnelError(f"the keeper of the tunnel does not answer: {error}") from None


def _checked(line: bytes) -> dict[str, Any]:
    if not line:
        raise TunnelError("the process that keeps the tunnel has ended; its last words are above")
    answer: dict[str, Any] = json.loads(line)
    if answer.get("ok") is not True:
        raise TunnelError(str(answer.get("error", "refused")))
    return answer


def _listed(peers: Sequence[TunnelPeer]) -> list[dict[str, Any]]:
    return [{"key": one.key, "addresses": list(one.addresses)} for one in peers]


def _read(one: Mapping[str, Any]) -> PeerTraffic:
    when = datetime.fromisoformat(one["handshake"]) if one["handshake"] else None
    return PeerTraffic(one["key"], when, str(one["endpoint"]), int(one["received"]), int(one["sent"]))
