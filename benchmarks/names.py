"""The names that benchmarks ask for: listed ones from the shared union of lists, clean ones from a list of top sites.

They are hostile in part: they are matched here, never resolved. The choice is the same in every run.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

from benchmarks.setting import large_data

_PLAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")
_LONGEST = 253  # characters of a name
_SEED = 20


def listed(count: int | None = None) -> list[str]:
    """Return listed names, all of them or an even sample, sorted. Raises Missing."""
    with gzip.open(large_data("data/domains_union.tsv.gz"), "rt") as lines:
        names = [name for line in lines if is_plain(name := line.partition("\t")[0])]
    return names if count is None or count >= len(names) else sorted(random.Random(_SEED).sample(names, count))


def clean(names: set[str]) -> list[str]:
    """Return the hosts of top sites that are not listed, some with a label more, as browsers ask for them."""
    with gzip.open(large_data("data/warninglists/cloudflare-top10k.json.gz"), "rt") as file:
        tops = [name for name in json.load(file)["list"] if is_plain(name)]
    hosts = [name if at % 2 else f"www.{name}" for at, name in enumerate(tops)]
    return [host for host in hosts if not walk(host, names)]


def blocked(names: list[str], count: int) -> list[str]:
    """Return hosts that are covered by listed names, every second one by a parent of it."""
    some = random.Random(_SEED).sample(names, min(count, len(names)))
    return [name if at % 2 else f"login.{name}" for at, name in enumerate(some)]


def walk(host: str, names: set[str]) -> bool:
    """Say whether a host or a parent of it is in the set: the bare suffix walk that verdicts are compared with."""
    while host not in names:
        _, dot, host = host.partition(".")
        if not dot:
            return False
    return True


def write(path: Path, names: list[str]) -> Path:
    path.write_text("\n".join(names) + "\n")
    return path


def is_plain(name: str) -> bool:
    """Say whether a name is one that DNS takes and that needs no canonical form."""
    return len(name) <= _LONGEST and _PLAIN.fullmatch(name) is not None
