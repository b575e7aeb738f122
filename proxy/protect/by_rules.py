"""The way by rules in the kernel (Linux, nftables): which rules a running gateway needs. The rules: `shield.py`."""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from proxy.config.model import Config
from proxy.dns.system_resolvers import SystemResolvers
from proxy.firewall.plan import PlanError
from proxy.firewall.running import with_running_ports
from proxy.protect import shield
from proxy.protect.rules import shield_of
from proxy.protect.running import running_endpoints
from proxy.protect.way import Found, OnCrash, ProtectError


class ByRules:
    """Redirect what leaves this computer."""

    name = "rules"

    def put_up(self, config: Config) -> None:
        """Put the rules in force and prove them."""
        uid = _uid_of(config)
        require_no_loop(config.dns.upstreams)
        shield.put_up(shield_of(with_running_ports(config), uid))

    def take_down(self) -> None:
        """Take the rules away."""
        shield.take_down()

    def look(self) -> Found:
        """Say how things stand."""
        return shield.look()

    def after_crash(self, on_crash: OnCrash) -> str:
        """Say what happens to traffic while the gateway is down."""
        if on_crash == "open":
            return "open: traffic goes out unprotected after a few seconds"
        return "closed: nothing goes out"


def require_no_loop(upstreams: Sequence[object]) -> None:
    """Refuse a resolver of this machine as upstream: its own questions would come to the gateway, and so on."""
    if "system" not in upstreams:
        return
    for endpoint in SystemResolvers([], lambda: 0.0).endpoints():
        if endpoint.host.startswith("127.") or endpoint.host == "::1":
            raise PlanError(
                f"dns.upstreams: is `system`, which is {endpoint.host} here, a resolver on this computer that would "
                "ask the gateway in turn; name the resolvers themselves, such as [9.9.9.9]"
            )


def _uid_of(config: Config) -> int:
    running = running_endpoints(config)
    try:
        return int(psutil.Process(int(running["pid"])).uids().effective)
    except (ValueError, KeyError, psutil.Error) as problem:
        raise ProtectError(str(problem)) from None
