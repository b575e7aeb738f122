"""The overlay: the small mutable set beside the snapshot, and its JSON, both ways.

The supervisor publishes one generation after another as a file; every process reads it with this code. Reading is
strict: an unknown field, a wrong type or a time without a zone is refused, because a half-understood overlay would be
a policy that nobody asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, PlainSerializer, TypeAdapter, ValidationError

from indicators.indicator import Indicator
from indicators.words import Risk

_STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Waiver:
    """Record a person's *continue* past one warning.

    `device` is a device's id, `host` the destination asked for, `indicator` the value of the indicator that warned.
    """

    device: str
    host: str
    indicator: str
    until: AwareDatetime


@dataclass(frozen=True, slots=True)
class DeviceRisk:
    """Hold a device's risk as the collector told it, with its reasons in words fit for the person's page."""

    level: Risk
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pin:
    """Record that an app refuses our certificate for a host: a device's id, the host, the JA4 of the app's hello.

    `name` is the device's, for people. Until then it is passed unopened, as far as policy lets it.
    """

    device: str
    host: str
    ja4: str
    until: AwareDatetime
    name: str = ""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Hold one generation: indicators set at run time, waivers, what was learned about devices, and a pause.

    `risks` and `groups` are the collector's, by device id; a device without a risk has none. `risks_as_of` is when the
    collector was last heard; nothing where it never was. `device_groups` are the groups' own settings in the gateway's
    form, which means nothing here; none are told where those of the start hold.
    """

    generation: int
    indicators: tuple[Indicator, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    trusted_devices: Annotated[frozenset[str], PlainSerializer(sorted, return_type=list)] = frozenset()
    paused_until: AwareDatetime | None = None
    pins: tuple[Pin, ...] = ()
    risks: dict[str, DeviceRisk] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    risks_as_of: AwareDatetime | None = None
    device_groups: dict[str, Any] | None = None
    __pydantic_config__ = _STRICT


_OVERLAY = TypeAdapter(Overlay)


def to_json(overlay: Overlay) -> str:
    """Write an overlay; fields at their default are left out."""
    return _OVERLAY.dump_json(overlay, exclude_defaults=True).decode()


def from_json(text: str | bytes) -> Overlay:
    """Read an overlay. Raises ValueError naming the first field that is wrong."""
    try:
        overlay = _OVERLAY.validate_json(text)
    except ValidationError as error:
        raise ValueError(_first(error)) from None
    for at, indicator in enumerate(overlay.indicators):
        for name in ("expiration", "since"):
            when: datetime | None = getattr(indicator, name)
            if when is not None and when.tzinfo is None:
                raise ValueError(f"overlay: indicators.{at}.{name}: expected a time with its offset, such as …Z")
    return overlay


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    return f"overlay: {'.'.join(map(str, found['loc'])) or 'text'}: {found['msg']}"
