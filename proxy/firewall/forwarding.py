"""Put the plan for devices' traffic in force, take it away, say whether it is. No state is kept: the kernel has it."""

from __future__ import annotations

from proxy.firewall import kernel, routing, rules
from proxy.firewall.plan import Plan


def apply(plan: Plan) -> None:
    """Put a plan in force in place of any before it. Raises FirewallError; then what was in force before still is.

    The route of TPROXY is there before the rules that need it, and one that is not needed does nothing.
    """
    if plan.method == "tproxy":
        kernel.try_commands(routing.removed())
        kernel.run_commands(routing.added())
    kernel.run_transaction(rules.forwarding(plan))


def remove() -> None:
    """Take the rules away; harmless where there are none, and after a crash. Raises FirewallError."""
    kernel.run_transaction(rules.removed())
    kernel.try_commands(routing.removed())


def is_applied() -> bool:
    """Say whether rules of ours are in force. Raises FirewallError."""
    return bool(kernel.table_rules(rules.TABLE))
