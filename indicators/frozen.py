"""Frozen slotted dataclasses that are made several times as fast, for the few values of which each verdict makes some.

A frozen dataclass sets each field through `object.__setattr__`, because its own is closed. Here the fields are set
while the instance is of a twin class with the same slots and an open `__setattr__`. Nothing else differs: equality,
hash, `replace`, pickling and the refusal of changes are the dataclass's own.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any, dataclass_transform


@dataclass_transform(frozen_default=True)
def frozen[T](cls: type[T]) -> type[T]:
    """Make a class with annotated fields a frozen, slotted dataclass.

    There must be no `__post_init__`, and no default that is made anew for each instance.
    """
    closed: Any = dataclass(frozen=True, slots=True)(cls)
    names = [field.name for field in fields(closed)]
    twin = type(closed.__name__, closed.__bases__, {"__slots__": tuple(names)})
    made = _init(names)(object.__setattr__, twin, closed)
    made.__defaults__ = tuple(field.default for field in fields(closed) if field.default is not MISSING)
    closed.__init__ = made
    return closed  # type: ignore[no-any-return]


def _init(names: list[str]) -> Any:
    """Return a maker of `__init__`, written out field by field, as dataclasses does it."""
    lines = [
        "def make(become, twin, closed):",
        f"    def __init__(self, {', '.join(names)}):",
        "        become(self, '__class__', twin)",
        *(f"        self.{name} = {name}" for name in names),
        "        self.__class__ = closed",
        "    return __init__",
    ]
    space: dict[str, Any] = {}
    exec("\n".join(lines), space)  # noqa: S102 - nothing but the names of fields
    return space["make"]
