"""The configuration on its way from the supervisor to a worker: plain JSON values and back, exactly.

A worker gets what the supervisor started with, ports filled in; it never reads `config.yaml`, which may have been
edited, or broken, since. Custom indicators stay behind: they reach a worker through the overlay. So do device groups
that were changed since.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from proxy.config.model import Config
from proxy.config.sections.groups import GroupConfig
from proxy.config.values import format_duration


def to_wire(config: Config) -> dict[str, Any]:
    """Return the configuration as JSON values, without its custom indicators."""
    body: dict[str, Any] = _plain(config.model_dump(exclude={"indicators", "indicator_files"}))
    return body


def from_wire(body: object) -> Config:
    """Read what `to_wire` made. Raises ValueError when it is something else."""
    return Config.model_validate(body)


def groups_to_wire(groups: Mapping[str, GroupConfig]) -> dict[str, Any]:
    """Return device groups as JSON values, in their order."""
    return {name: _plain(group.model_dump()) for name, group in groups.items()}


def groups_from_wire(body: Mapping[str, Any]) -> dict[str, GroupConfig]:
    """Read what `groups_to_wire` made. Raises ValueError when it is something else."""
    return {name: GroupConfig.model_validate(group) for name, group in body.items()}


def _plain(value: object) -> Any:
    match value:
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case None | bool() | int() | float():
            return value
        case timedelta():
            return format_duration(value)
        case _:
            return str(value)
