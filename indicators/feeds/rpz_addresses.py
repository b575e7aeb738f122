"""Response-IP triggers of a policy zone: `24.0.2.0.192` is 192.0.2.0/24, `48.zz.1.db8.2001` is 2001:db8:1::/48.

The prefix length stands first and the address is reversed. A name without a length is not read as one that has it.
"""

from __future__ import annotations

from collections.abc import Iterator

from indicators.feeds.entry import Outcome, Why, skip
from indicators.feeds.values import read_network


def read_trigger(line: int, text: str, labels: str) -> Iterator[Outcome]:
    """Yield what the labels before `.rpz-ip` name."""
    length, *parts = labels.split(".")
    parts.reverse()
    groups = ["" if part == "zz" else part for part in parts]
    if len(parts) == 4 and all(part.isdecimal() for part in parts):
        address = ".".join(parts)
    elif 2 <= len(parts) <= 8 and parts.count("zz") <= 1:
        address = ":".join(groups)
        address = ("" if groups[0] else ":") + address + ("" if groups[-1] else ":")
    else:
        address = ""
    if not address or not length.isdecimal():
        yield skip(line, text, Why.NOT_AN_ADDRESS)
    else:
        yield from read_network(line, f"{address}/{length}")
