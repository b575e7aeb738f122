"""What passes is known until it ends; what ends while all is gone through is left out."""

from __future__ import annotations

from addons.passing import Passing
from indicators.observation import Observation
from indicators.words import Stage
from tests.support.sights import PHONE


def seen(host: str) -> Observation:
    return Observation(Stage.HTTP, PHONE, hosts=(host,))


def passing() -> Passing:
    found = Passing()
    for key, client in (("1", "a"), ("2", "b"), ("3", "a")):
        found.note(key, client, seen(f"{key}.test"))
    return found


def test_what_passes_is_known_until_it_ends() -> None:
    known = passing()
    known.forget("2")
    known.forget("2")
    assert list(known) == [("a", seen("1.test")), ("a", seen("3.test"))]
    known.note("4", "b", seen("4.test"))
    known.forget_client("a")
    assert (list(known), len(known)) == ([("b", seen("4.test"))], 1)


def test_what_ends_before_its_turn_is_left_out() -> None:
    known = passing()
    met = []
    for client, what in known:
        known.forget_client("b")
        known.note("5", "c", seen("5.test"))  # begun by what is known now
        met.append((client, what.host))
    assert met == [("a", "1.test"), ("a", "3.test")]
