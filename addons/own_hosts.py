"""The gateway's own names, for every process that meets one. None of them ever leaves the machine."""

from __future__ import annotations

GATEWAY = "seawall.internal"
EICAR = "eicar.seawall.internal"
CHECKS = "check.seawall.internal"
"""Below it a device tests itself: `WORD.KIND.check.seawall.internal` (see `self_test.py`)."""


def is_reserved(host: str) -> bool:
    """Say whether a canonical host is one that the gateway answers itself."""
    return host == GATEWAY or host.endswith("." + GATEWAY)


def leads_to_us(host: str) -> bool:
    """Say whether our DNS answers a canonical host with the gateway's address; other names of ours do not exist.

    >>> leads_to_us("0f1e.dns.check.seawall.internal"), leads_to_us("other.seawall.internal")
    (True, False)
    """
    return host in (GATEWAY, EICAR) or host.endswith("." + CHECKS)
