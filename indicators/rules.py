"""From a YAML entry (plain Python values) to indicators: short forms, full form, and errors that name the key.

Files, lines and comments are the configuration's concern; values are read by `observables.py`, fields by `fields.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from indicators.fields import KEYS, Entry, RuleError, check_fields, read_fields, unknown_key, word
from indicators.indicator import Indicator, Origin
from indicators.observables import Observable, read_observable
from indicators.words import Action, IndicatorType

__all__ = ["MAX_VALUES", "RuleError", "parse_indicator"]

MAX_VALUES = 10_000  # values of one entry
_KNOWN = ("value", "type", "action", *Action, *KEYS)
_NAMES = frozenset((IndicatorType.DOMAIN, IndicatorType.URL))


def parse_indicator(
    entry: Entry | str, origin: Origin, device_groups: frozenset[str] = frozenset()
) -> tuple[Indicator, ...]:
    """Read one entry; one with a list of values gives as many indicators. Raises RuleError.

    An entry is a value alone (it is blocked), a short form such as `block: evil.example` or `allow: [a, b]`, which may
    have further fields beside it, or the full form with `value` and `action`. `device_groups` holds where the entry
    names none.
    """
    written: Entry = {"block": entry} if isinstance(entry, str) else entry
    if not isinstance(written, Mapping):
        raise RuleError("", f"expected an indicator such as `block: evil.example`, got {entry!r:.60}")
    for key in written:
        if key not in _KNOWN:
            raise unknown_key(key, _KNOWN)
    action, key = _action(written)
    observables = _observables(written, key)
    fields = read_fields(written)
    fields.setdefault("device_groups", device_groups)
    for one in observables:
        check_fields(fields, action, one.type in _NAMES)
    return tuple(Indicator(one.value, one.type, action, origin, **fields) for one in observables)


def _action(entry: Entry) -> tuple[Action, str]:
    """Return the action and the key below which the values stand."""
    short = [action for action in Action if action in entry]
    if len(short) > 1 or (short and ("value" in entry or "action" in entry)):
        both = [*short, *(key for key in ("value", "action") if key in entry)]
        raise RuleError(str(both[1]), f"expected one of {', '.join(map(str, both))}, not both in one indicator")
    if short:
        return short[0], str(short[0])
    if "value" not in entry:
        raise RuleError("", "expected a value: write `block: evil.example`, or `value` and `action`")
    action = word(entry, "action", Action, None)
    if action is None:
        raise RuleError("action", f"expected one of {', '.join(Action)}")
    return action, "value"


def _observables(entry: Entry, key: str) -> Sequence[Observable]:
    kind = word(entry, "type", IndicatorType, None)
    values = entry[key]
    if not isinstance(values, list | tuple):
        return (_observable(key, values, kind),)
    if not 0 < len(values) <= MAX_VALUES:
        raise RuleError(key, f"expected 1 to {MAX_VALUES} values, got {len(values)}")
    return [_observable(f"{key}.{at}", value, kind) for at, value in enumerate(values)]


def _observable(key: str, value: object, kind: IndicatorType | None) -> Observable:
    if not isinstance(value, str):
        raise RuleError(key, f"expected a domain, URL, address, network or hash as text (in quotes), got {value!r:.60}")
    try:
        return read_observable(value, kind)
    except ValueError as error:
        raise RuleError(key, str(error)) from None
