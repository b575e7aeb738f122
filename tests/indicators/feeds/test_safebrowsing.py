"""Safe Browsing v5 lists: whole, as changes, damaged; and what their hashes may do once compiled."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.feeds.entry import Entry, FeedOnly, Skipped, Why
from indicators.feeds.formats import FORMATS, recognise
from indicators.feeds.safebrowsing import merged
from indicators.words import Category
from tests.support.rice import rice_field

PARSE = FORMATS["safebrowsing"].parse
KEYS = {4: "additionsFourBytes", 8: "additionsEightBytes", 16: "additionsSixteenBytes", 32: "additionsThirtyTwoBytes"}


def hashes(length: int, *expressions: str) -> list[bytes]:
    return sorted(sha256(one.encode()).digest()[:length] for one in expressions)


def document(held: list[bytes], after: list[bytes] | None = None, removed: Sequence[int] = (), **more: Any) -> str:
    made: dict[str, Any] = {"name": "se-4b", "version": "djE=", **more}
    if held:
        length = len(held[0])
        made[KEYS[length]] = rice_field([int.from_bytes(one) for one in held], length * 8)
    if removed:
        made["compressedRemovals"] = rice_field(removed, 32)
    made["sha256Checksum"] = b64encode(sha256(b"".join(held if after is None else after)).digest()).decode()
    return json.dumps(made)


def values(text: str) -> list[str]:
    return [one.value for one in PARSE([text]) if isinstance(one, Entry)]


def why(text: str) -> list[Why]:
    return [one.why for one in PARSE([text]) if isinstance(one, Skipped)]


@pytest.mark.parametrize("length", [4, 8, 16, 32])
def test_a_whole_list_gives_its_hashes_in_order(length: int) -> None:
    held = hashes(length, "evil.example/", "evil.example/a", "other.example/b/")
    text = document(held)
    assert recognise([text]) == "safebrowsing"
    found = list(PARSE([text]))
    assert values(text) == [one.hex() for one in held]
    assert [one.line for one in found] == [1, 2, 3]
    assert isinstance(found[0], Entry)
    assert (found[0].type, found[0].category) == (FeedOnly.URL_HASH, Category.PHISHING)


@given(
    st.sets(st.binary(min_size=4, max_size=4), min_size=1, max_size=30),
    st.sets(st.binary(min_size=4, max_size=4), max_size=10),
    st.randoms(),
)
def test_changes_give_what_the_whole_list_would(before: set[bytes], added: set[bytes], random: Any) -> None:
    """Removals are places in the held list and come before additions; the checksum is that of the result."""
    held = sorted(before)
    removed = sorted(random.sample(range(len(held)), random.randrange(len(held) + 1)))
    after = sorted({one for at, one in enumerate(held) if at not in removed} | added)
    update = document(sorted(added), after, removed, partialUpdate=True, version="djI=")
    text = merged(merged("", document(held)), update)
    assert values(text) == [one.hex() for one in after]
    assert json.loads(text)["version"] == "djI="


def test_changes_that_do_not_fit_are_refused() -> None:
    held = hashes(4, "a.example/", "b.example/")
    kept = merged("", document(held))
    with pytest.raises(ValueError, match="checksum"):
        merged(kept, document([], held, [0], partialUpdate=True))
    with pytest.raises(ValueError, match="not held"):
        merged(kept, document([], held, [7], partialUpdate=True))
    with pytest.raises(ValueError, match="another length"):
        merged(kept, document(hashes(8, "c.example/"), held, partialUpdate=True))
    with pytest.raises(ValueError, match="expected one hash list"):
        merged(kept, "[]")
    with pytest.raises(ValueError, match="expected one hash list"):
        merged("", '{"hashLists": [{}, {}]}')


def test_a_damaged_list_gives_nothing_and_says_why() -> None:
    good = json.loads(document(hashes(4, "a.example/", "b.example/")))
    assert why(json.dumps({**good, "sha256Checksum": "AAAA"})) == [Why.MALFORMED]
    assert why(json.dumps({**good, "partialUpdate": True})) == [Why.MALFORMED]
    broken = {**good["additionsFourBytes"], "entriesCount": 10**6}
    assert why(json.dumps({**good, "additionsFourBytes": broken})) == [Why.MALFORMED]
    assert why(json.dumps({"rawHashes": "AAAA", "hashBytes": 5})) == [Why.MALFORMED]
    assert why("[1]") == [Why.MALFORMED]
    assert why("") == [Why.BLANK]


@pytest.mark.parametrize("more", [{"name": "gc-32b"}, {"metadata": {"likelySafeTypes": ["GENERAL_BROWSING"]}}])
def test_a_list_of_what_is_safe_blocks_nothing(more: dict[str, Any]) -> None:
    text = document(hashes(32, "good.example/"), **more)
    assert values(text) == []
    assert why(text) == [Why.SAFE_LIST]


@pytest.mark.parametrize(
    ("details", "kept"),
    [
        ([{"threatType": "MALWARE"}], True),
        ([{"threatType": "SOCIAL_ENGINEERING", "attributes": ["CANARY"]}, {"threatType": "MALWARE"}], True),
        ([{"threatType": "MALWARE", "attributes": ["CANARY"]}], Why.NOT_FOR_BLOCKING),
        ([{"threatType": "MALWARE", "attributes": ["FRAME_ONLY"]}], Why.NOT_FOR_BLOCKING),
        ([{"threatType": "MALWARE", "attributes": ["NEW_ONE"]}], Why.UNSUPPORTED),
        ([{"threatType": "NEW_ONE"}], Why.UNSUPPORTED),
        ([], Why.UNSUPPORTED),
    ],
)
def test_of_an_answer_only_threats_that_we_know_count(details: list[dict[str, Any]], kept: bool | Why) -> None:
    full = b64encode(sha256(b"evil.example/").digest()).decode()
    text = json.dumps({"fullHashes": [{"fullHash": full, "fullHashDetails": details}], "cacheDuration": "300s"})
    assert recognise([text]) == "safebrowsing"
    assert ([True] if values(text) else why(text)) == [kept]


def test_a_full_hash_that_is_none_is_skipped() -> None:
    assert why('{"fullHashes": [{"fullHash": "AAAA"}, {"fullHash": "?"}, 7]}') == [Why.NOT_A_HASH] * 3
