"""Addresses of files are known, in a bounded number."""

from __future__ import annotations

from addons.known_files import KnownFiles


def test_an_address_is_known_once_it_gave_a_file() -> None:
    known = KnownFiles()
    known.learn("Good.test", 443, "/get?id=7")
    assert known.holds("good.test", 443, "/get?id=7")
    for other in (("good.test", 443, "/get?id=8"), ("good.test", 80, "/get?id=7"), ("bad.test", 443, "/get?id=7")):
        assert not known.holds(*other)


def test_the_one_used_longest_ago_gives_way() -> None:
    known = KnownFiles(2)
    known.learn("a.test", 443, "/\udcff")
    known.learn("b.test", 443, "/")
    assert known.holds("a.test", 443, "/\udcff")
    known.learn("c.test", 443, "/")
    assert [known.holds(f"{name}.test", 443, "/") for name in "bc"] == [False, True]
    known.learn("c.test", 443, "/")
    assert known.holds("a.test", 443, "/\udcff"), "one that is learnt again takes no further room"
