"""Links expire, open once, and give their files only to who opened them."""

from __future__ import annotations

from datetime import datetime, timedelta

from collector.enrolments import MOST, OPEN_FOR, Enrolments, Offer
from tests.collector.conftest import NOW

HOUR = timedelta(hours=1)


def offer(device: str = "phone", until: datetime = NOW + HOUR) -> Offer:
    return Offer(device, {}, {}, until)


def test_a_link_opens_once() -> None:
    kept = Enrolments()
    code = kept.add(offer(), NOW)
    assert kept.unopened(code, NOW) and kept.unopened(code, NOW), "looking does not use it up"
    secret = kept.open(code, NOW)
    assert secret and (kept.open(code, NOW), kept.unopened(code, NOW)) == (None, None)
    found = kept.opened(secret, NOW)
    assert found and found.device == "phone"
    assert kept.opened(code, NOW) is None
    assert kept.opened("", NOW) is None


def test_a_link_and_its_files_end() -> None:
    kept = Enrolments()
    code = kept.add(offer(), NOW)
    assert kept.open(code, NOW + HOUR) is None
    secret = kept.open(code, NOW + HOUR - timedelta(seconds=1)) or ""
    late = NOW + HOUR - timedelta(seconds=1) + OPEN_FOR
    assert kept.opened(secret, late - timedelta(seconds=1)), "a link opened late still has its minutes"
    assert kept.opened(secret, late) is None


def test_links_do_not_pile_up_and_no_secret_is_kept_in_clear() -> None:
    kept = Enrolments()
    first = kept.add(offer("first"), NOW)
    codes = [kept.add(offer(), NOW) for _ in range(MOST)]
    assert kept.unopened(first, NOW) is None
    assert all(kept.unopened(code, NOW) for code in codes)
    assert not any(code in repr(kept._offers) for code in codes)
    later = NOW + 2 * HOUR
    kept.add(offer(until=later + HOUR), later)
    assert len(kept._offers) == 1
