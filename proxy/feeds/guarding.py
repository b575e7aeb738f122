"""The guard lists in force: those that come with Seawall, and the hosts that the configuration adds."""

from __future__ import annotations

from indicators.guards import GuardLists, extended, load
from proxy.config.sections.guards import GuardsConfig


def guard_lists(config: GuardsConfig) -> GuardLists:
    """Return the lists. Their digest changes with what is added, so that feeds are parsed anew."""
    return extended(
        load(),
        shared_hosts=config.shared_hosts,
        shorteners=config.shorteners,
        top_hosts=config.top_hosts,
        never_block=config.never_block,
    )
