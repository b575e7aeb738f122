"""Look header fields up in one pass. mitmproxy's own way converts the name three times and each field's twice.

A request's fields are asked for some fifty times on its way, by mitmproxy and by the addons. What is answered is the
same; a test compares both. Nothing is judged here.
"""

from __future__ import annotations

from typing import Any

from mitmproxy.http import Headers


def install() -> None:
    """Replace the lookups; harmless when repeated."""
    lookups = {"get_all": _get_all, "__getitem__": _getitem, "__contains__": _contains, "get": _get}
    for name, lookup in lookups.items():
        setattr(Headers, name, lookup)


def _get_all(self: Headers, name: str | bytes) -> list[str]:
    """Return the values of a field in any case, in order."""
    wanted = _field(name)
    return [value.decode("utf-8", "surrogateescape") for key, value in self.fields if key.lower() == wanted]


def _getitem(self: Headers, name: str | bytes) -> str:
    values = _get_all(self, name)
    if not values:
        raise KeyError(name)
    return ", ".join(values)


def _get(self: Headers, name: str | bytes, default: Any = None) -> Any:
    values = _get_all(self, name)
    return ", ".join(values) if values else default


def _contains(self: Headers, name: str | bytes) -> bool:
    wanted = _field(name)
    for key, _ in self.fields:  # noqa: SIM110 - a generator would cost more than all the rest
        if key.lower() == wanted:
            return True
    return False


def _field(name: str | bytes) -> bytes:
    return (name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")).lower()
