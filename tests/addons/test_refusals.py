from __future__ import annotations

from dataclasses import replace

from addons.refusals import App, Refusals

APP = App("phone", "pinned.test", "t13")


def memory() -> tuple[Refusals, list[float]]:
    now = [0.0]
    return Refusals(lambda: now[0]), now


def test_two_refusals_within_an_hour_are_enough() -> None:
    known, now = memory()
    assert not known.refused(APP)
    now[0] = 3599
    assert known.refused(APP)


def test_another_host_device_or_app_is_counted_apart() -> None:
    known, _ = memory()
    others = (replace(APP, device="tablet"), replace(APP, host="other.test"), replace(APP, ja4="t12"))
    assert not any(known.refused(app) for app in (APP, *others))


def test_refusals_far_apart_do_not_add_up() -> None:
    known, now = memory()
    known.refused(APP)
    now[0] = 3601
    assert not known.refused(APP)
    assert known.refused(APP)


def test_an_app_that_took_our_certificate_once_does_not_pin() -> None:
    known, _ = memory()
    known.refused(APP)
    known.taken(APP)
    assert not any(known.refused(APP) for _ in range(5))


def test_the_memory_is_bounded() -> None:
    known, _ = memory()
    known.refused(APP)
    for number in range(9000):
        known.refused(App("phone", f"{number}.test", ""))
    assert not known.refused(APP), "the oldest is forgotten"
