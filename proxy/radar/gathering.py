"""Put together what is known of each device: signs of all processes, handshakes, apps that refuse our certificate.

Values in, values out, but for `read_signs`, which reads the processes' files. What it says of a device is decided in
`indicators.coverage`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from indicators.coverage import Seen, Sign, assess
from indicators.overlay import Pin
from proxy.devices.record import DeviceRecord

_EXAMPLES = 4  # hosts told for each sign
_FORGOTTEN_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Known:
    """Hold what was seen of a device, with its name."""

    name: str
    seen: Seen = field(default_factory=Seen)


def read_signs(folder: Path, now: datetime) -> dict[str, Known]:
    """Add up what all processes have written; what is damaged or too old counts as nothing."""
    found: dict[str, Known] = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        for device, each in _devices(path).items():
            try:
                known = _known(each, now)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
            found[device] = _added(found[device], known) if device in found else known
    return {device: known for device, known in found.items() if _is_recent(known.seen, now)}


def with_tunnel(
    found: Mapping[str, Known], records: Iterable[DeviceRecord], handshakes: Mapping[str, datetime]
) -> dict[str, Known]:
    """Add the devices that have a place in the tunnel, with their last handshake by id."""
    both = dict(found)
    for record in records:
        if record.peer_key:
            seen = both[record.id].seen if record.id in both else Seen()
            both[record.id] = Known(record.name, replace(seen, in_tunnel=True, handshake=handshakes.get(record.id)))
    return both


def with_pins(found: Mapping[str, Known], pins: Iterable[Pin], now: datetime) -> dict[str, Known]:
    """Add the hosts on which apps refuse our certificate; a device known by nothing else is left out."""
    refused: dict[str, list[str]] = {}
    for pin in pins:
        if pin.until > now and pin.device in found and pin.host not in refused.setdefault(pin.device, []):
            refused[pin.device].append(pin.host)
    both = dict(found)
    for device, hosts in refused.items():
        seen = replace(both[device].seen, ca_refused=tuple(sorted(hosts)))
        both[device] = replace(both[device], seen=seen)
    return both


def told(device: str, known: Known, now: datetime) -> dict[str, Any]:
    """Return a device's coverage as the collector and the command line get it."""
    seen, coverage = known.seen, assess(known.seen, now)
    counts: dict[str, int] = {str(sign): count for sign, count in seen.counts.items() if count}
    if seen.ca_refused:
        counts[Sign.CA_REFUSED] = len(seen.ca_refused)
    return {
        "device": device,
        "name": known.name,
        "score": coverage.score,
        "protected": coverage.protected,
        "reasons": list(coverage.reasons),
        "in_tunnel": seen.in_tunnel,
        "last_handshake": _text(seen.handshake),
        "last_dns": _text(seen.dns),
        "last_connection": _text(seen.connection),
        "signs": counts,
    }


def _text(when: datetime | None) -> str | None:
    return when.isoformat(timespec="seconds") if when else None


def _devices(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())["devices"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _known(body: Mapping[str, Any], now: datetime) -> Known:
    hours = {now.isoformat()[:13], (now - timedelta(hours=1)).isoformat()[:13]}
    counts: dict[Sign, int] = {}
    for hour, signs in body["hours"].items():
        if hour in hours:
            for sign, count in signs.items():
                counts[Sign(sign)] = counts.get(Sign(sign), 0) + int(count)
    examples = {Sign(sign): tuple(map(str, hosts)) for sign, hosts in body["examples"].items()}
    seen = Seen(dns=_moment(body["dns"]), connection=_moment(body["connection"]), counts=counts, examples=examples)
    return Known(str(body["name"]), seen)


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _added(one: Known, other: Known) -> Known:
    counts = {
        sign: one.seen.counts.get(sign, 0) + other.seen.counts.get(sign, 0)
        for sign in {**one.seen.counts, **other.seen.counts}
    }
    examples = {
        sign: tuple(dict.fromkeys((*one.seen.examples.get(sign, ()), *other.seen.examples.get(sign, ()))))[:_EXAMPLES]
        for sign in {**one.seen.examples, **other.seen.examples}
    }
    seen = Seen(
        dns=_later(one.seen.dns, other.seen.dns),
        connection=_later(one.seen.connection, other.seen.connection),
        counts=counts,
        examples=examples,
    )
    return Known(one.name, seen)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def _is_recent(seen: Seen, now: datetime) -> bool:
    last = _later(seen.dns, seen.connection)
    return last is not None and now - last < _FORGOTTEN_AFTER
