"""A fast frozen value is a frozen dataclass in every other respect."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, fields, replace

import pytest

from indicators.frozen import frozen
from indicators.indicator import Origin


@frozen
class Fast:
    """Have a field of each kind."""

    name: str
    number: int = 7
    tags: tuple[str, ...] = ()

    @property
    def loud(self) -> str:
        return self.name.upper()


@dataclass(frozen=True, slots=True)
class Plain:
    """Be what `Fast` is, made the usual way."""

    name: str
    number: int = 7
    tags: tuple[str, ...] = ()


def test_it_is_filled_compared_and_shown_as_a_dataclass_is() -> None:
    one = Fast("a", tags=("x",))
    assert (one.name, one.number, one.tags, one.loud) == ("a", 7, ("x",), "A")
    assert asdict(one) == asdict(Plain("a", tags=("x",)))
    assert repr(one) == repr(Plain("a", tags=("x",))).replace("Plain", "Fast")
    assert one == Fast("a", 7, ("x",)) != Fast("b")
    assert hash(one) == hash(Fast("a", 7, ("x",)))
    assert type(one) is Fast
    assert [field.name for field in fields(Fast)] == ["name", "number", "tags"]


def test_it_cannot_be_changed_and_has_no_room_for_more() -> None:
    one = Fast("a")
    with pytest.raises(FrozenInstanceError):
        one.name = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.name
    with pytest.raises((AttributeError, TypeError)):
        one.other = 1  # type: ignore[attr-defined]
    assert not hasattr(one, "__dict__")


def test_copies_are_equal_and_of_the_same_class() -> None:
    one = Origin("feed", False, "feed", 3)
    for other in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one)), replace(one)):
        assert other == one
        assert type(other) is Origin
    assert replace(one, line=4) == Origin("feed", False, "feed", 4)


@pytest.mark.parametrize(("args", "fields"), [((), {}), (("a", 1, (), 2), {}), (("a",), {"colour": "red"})])
def test_wrong_arguments_are_refused(args: tuple[object, ...], fields: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        Fast(*args, **fields)  # type: ignore[arg-type]
