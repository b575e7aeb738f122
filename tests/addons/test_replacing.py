"""A function is wrapped once by each of its seams, the last outermost."""

from __future__ import annotations

from collections.abc import Callable

from addons.replacing import wrap


class Layer:
    def said(self) -> str:
        return "said"


def loudly(original: Callable[[Layer], str]) -> Callable[[Layer], str]:
    return lambda self: original(self).upper()


def twice(original: Callable[[Layer], str]) -> Callable[[Layer], str]:
    return lambda self: f"{original(self)} and {original(self)}"


def test_each_wraps_once() -> None:
    for _ in range(3):
        wrap(Layer, "said", loudly)
        wrap(Layer, "said", twice)
    assert Layer().said() == "SAID and SAID"
