"""DNS response policy zones (draft-vixie-dnsop-dns-rpz): a line parser, because one bad name must not lose a zone.

NXDOMAIN, NODATA and DROP block, PASSTHRU is the zone's own exception, local data counts as a block and is marked as a
rewrite. Triggers: QNAME, wildcard, response IP. A name does not cover its subdomains; a wildcard does not cover its
own name, so the name is excepted unless the zone lists it too, and the zone is read twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from indicators.feeds.dnsmasq import is_sink
from indicators.feeds.entry import Entry, Outcome, Why, skip
from indicators.feeds.lines import content
from indicators.feeds.rpz_addresses import read_trigger
from indicators.feeds.rpz_records import Record, read_records
from indicators.feeds.values import read_host
from indicators.hosts import parents
from indicators.words import Action, IndicatorType

_TYPES = frozenset(("A", "AAAA", "CNAME", "TXT", "DNAME", "MX", "SRV", "HTTPS", "SVCB"))
_ENDINGS = (".rpz-client-ip", ".rpz-nsdname", ".rpz-nsip")


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives. The text of the whole zone is held in memory."""
    held = list(lines)
    owners = {one.owner.lower() for one in read_records(held) if isinstance(one, Record)}
    comments = content(held)
    for record in read_records(held):
        line, text, skipped = next(comments)
        if skipped:
            yield skipped
        elif isinstance(record, Why):
            yield skip(line, text, record)
        else:
            yield from _outcomes(line, text, record, owners)


def _outcomes(line: int, text: str, record: Record, owners: set[str]) -> Iterator[Outcome]:
    action, rewrite = _action(record)
    if isinstance(action, Why):
        yield skip(line, text, action)
        return
    name = record.owner
    if name.lower().endswith(".rpz-ip"):
        found = read_trigger(line, text, name[: -len(".rpz-ip")])
        yield from (one._replace(action=action) if isinstance(one, Entry) else one for one in found)
        return
    below = name.startswith("*.")
    if "*" in name.removeprefix("*."):
        yield skip(line, text, Why.PATTERN)
        return
    outcome = read_host(line, name, rewrite, exact=not below, answer=record.data)
    if not isinstance(outcome, Entry):
        yield outcome
        return
    yield outcome._replace(action=action, exact=outcome.exact and outcome.type is IndicatorType.DOMAIN)
    if below and action is None and outcome.type is IndicatorType.DOMAIN and not _is_listed(outcome.value, owners):
        yield outcome._replace(action=Action.ALLOW, exact=True, rewrite=False, target="")


def _is_listed(name: str, owners: set[str]) -> bool:
    """Say whether a zone has a name itself, or a wildcard above it."""
    return name in owners or any(f"*.{above}" in owners for above in parents(name) if above != name)


def _action(record: Record) -> tuple[Action | Why | None, bool]:
    """Return what a record asks for (nothing for a block), or why it cannot be used, and whether it is a rewrite."""
    target = record.data.lower()
    if record.kind not in _TYPES or record.owner in ("", "@"):
        return Why.SETTING, False
    if record.owner.lower().endswith(_ENDINGS):
        return Why.UNSUPPORTED, False
    if record.kind != "CNAME":
        return None, record.kind in ("A", "AAAA") and not is_sink(target)
    if target in ("rpz-passthru", "rpz-passthru.") or target.rstrip(".") == record.owner.lower() != "":
        return Action.ALLOW, False
    if target.rstrip(".") == "rpz-tcp-only":
        return Why.UNSUPPORTED, False
    return None, target not in (".", "*.", "rpz-drop.", "rpz-drop")
