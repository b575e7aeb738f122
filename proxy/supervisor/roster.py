"""Who works for the gateway: the children, their connections, the addresses they bound, and what they complain of.

It starts and stops nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proxy import endpoints
from proxy.config.model import Config
from proxy.control.server import Peer
from proxy.supervisor.child import Child
from proxy.supervisor.recycling import Told

_FACTS = ("failures", "lost", "short_of_room")


class Roster:
    """Keep one entry for each child. `config` has the ports filled in; `numbers` are those ports by name."""

    def __init__(self, config: Config, numbers: Mapping[str, int], children: Sequence[Child]) -> None:
        self.config = config
        self.children = children
        self.bound: dict[str, str] = {}
        self._numbers = numbers
        self._peers: dict[str, Peer] = {}

    def joined(self, peer: Peer) -> None:
        """Take note of a worker that said hello."""
        self._peers[peer.role] = peer

    def ready(self, peer: Peer, bound: Mapping[str, str]) -> None:
        """Take note of a worker whose listeners answer."""
        self.bound.update(bound)
        for child in self.children:
            if child.role.name == peer.role:
                child.ready.set()

    def left(self, peer: Peer) -> None:
        """Forget a worker's connection, unless another has taken its place."""
        if self._peers.get(peer.role) is peer:
            del self._peers[peer.role]

    def told(self, role: str) -> Told | None:
        """Return what a role last told of itself; nothing for one that has not yet."""
        peer = self._peers.get(role)
        return Told(peer.heard, peer.facts.get("work", 0)) if peer and peer.heard is not None else None

    def enforces(self, role: str) -> bool:
        """Say whether a role must hold a generation before a waiver counts."""
        return any(child.role.enforces for child in self.children if child.role.name == role)

    def own_ports(self) -> list[int]:
        """Return every port that the gateway listens on."""
        bound = {endpoints.split(address)[1] for address in self.bound.values()}
        return sorted(bound | set(self._numbers.values()))

    def addresses(self) -> dict[str, str]:
        """Return each listener's address: as bound, or as it will be."""
        dns = str(self.config.dns.host)
        hosts = {"dns": dns, "dns_tls": dns, "dns_https": dns, "collector": str(self.config.collector.host)}
        hosts |= {"metrics": str(self.config.metrics.host), "wireguard": "0.0.0.0"}
        usual = str(self.config.proxy.host)
        return {
            name: self.bound.get(name) or endpoints.spell(hosts.get(name, usual), number)
            for name, number in self._numbers.items()
        }

    def collector_url(self) -> str:
        """Return where events go: elsewhere as configured, or to our own collector."""
        settings = self.config.collector
        if settings.url != "embedded":
            return settings.url
        host = str(settings.host)
        any_address = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        scheme = "https" if settings.tls.cert else "http"
        return f"{scheme}://{endpoints.spell(any_address.get(host, host), settings.port)}"

    def workers(self, held_by: Callable[[Peer], int | None]) -> list[dict[str, Any]]:
        """Describe every child, for the status."""
        return [self._described(child, self._peers.get(child.role.name), held_by) for child in self.children]

    def complaints(self) -> list[str]:
        """Say what workers told of failures and losses."""
        facts = [(role, peer.facts) for role, peer in sorted(self._peers.items()) if peer.facts]
        return [
            *(f"{role}: {of['failures']} judgements failed; see its log" for role, of in facts if of["failures"]),
            *(f"{role}: {of['lost']} events could not be kept" for role, of in facts if of["lost"]),
            *(f"{role}: the event spool cannot grow; see its log" for role, of in facts if of["short_of_room"]),
        ]

    def _described(self, child: Child, peer: Peer | None, held_by: Callable[[Peer], int | None]) -> dict[str, Any]:
        facts = peer.facts if peer else {}
        return {
            "role": child.role.name,
            "pid": child.pid,
            "ready": child.ready.is_set(),
            "restarts": child.restarts,
            "generation": held_by(peer) if peer else None,
            **{name: facts.get(name, 0) for name in _FACTS},
        }
