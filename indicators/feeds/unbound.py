"""unbound lists: `local-zone: "name" always_nxdomain` and `local-data: "name A 0.0.0.0"` (unbound.conf(5)).

A zone covers its subdomains, data stands for its own name. Data with a real address is a rewrite.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indicators.feeds.dnsmasq import is_sink
from indicators.feeds.entry import Entry, Outcome, Why, skip
from indicators.feeds.lines import content, without_comment
from indicators.feeds.values import read_host
from indicators.words import Action

_ZONE = re.compile(r"local-zone:\s*[\"']?([^\s\"']+)[\"']?\s+[\"']?([a-z_]+)[\"']?").fullmatch
_DATA = re.compile(r"local-data:\s*(?:\"([^\"]*)\"|'(.*)')").fullmatch
_SETTING = re.compile(r"[a-z0-9-]+:(?:\s.*)?").fullmatch
_RECORD = re.compile(r"(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(A|AAAA|CNAME|TXT)\s+(.*)", re.IGNORECASE).fullmatch
_BLOCKS = frozenset(
    "deny refuse static redirect inform_deny inform_redirect always_deny always_refuse always_nxdomain always_nodata "
    "always_null".split()
)
_PASSES = frozenset("transparent typetransparent inform always_transparent nodefault".split())


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives."""
    for line, text, skipped in content(lines):
        yield skipped or _read(line, without_comment(text))


def _read(line: int, text: str) -> Outcome:
    zone, data = _ZONE(text), _DATA(text)
    if zone:
        return _zone(line, text, zone[1], zone[2])
    record = _RECORD(data[1] or data[2] or "") if data else None
    if record:
        kind = record[2].upper()
        rewrite = kind == "CNAME" or (kind != "TXT" and not is_sink(record[3].strip()))
        return read_host(line, record[1], rewrite=rewrite, exact=True, answer=record[3])
    return skip(line, text, Why.SETTING if _SETTING(text) and not data else Why.MALFORMED)


def _zone(line: int, text: str, name: str, kind: str) -> Outcome:
    if kind not in _BLOCKS | _PASSES:
        return skip(line, text, Why.UNSUPPORTED)
    outcome = read_host(line, name)
    passes = kind in _PASSES and isinstance(outcome, Entry)
    return outcome._replace(action=Action.ALLOW) if passes and isinstance(outcome, Entry) else outcome
