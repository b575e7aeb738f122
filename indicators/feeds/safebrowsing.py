"""Safe Browsing v5: hash lists (whole, or as changes to a list that is held) and answers of `hashes:search`, as JSON.

An entry is the beginning of the SHA-256 of an expression `host/path`. A list of what is safe (the global cache) holds
no entries. What a list with four-byte prefixes may do is decided by the guards: a prefix alone proves little.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256

from indicators.feeds import rice
from indicators.feeds.documents import Fields, Json, read_document, whole, word, words
from indicators.feeds.entry import Entry, FeedOnly, Outcome, Skipped, Why, skip
from indicators.words import Category

_ADDITIONS = {
    "additionsFourBytes": (4, ("firstValue",)),
    "additionsEightBytes": (8, ("firstValue",)),
    "additionsSixteenBytes": (16, ("firstValueHi", "firstValueLo")),
    "additionsThirtyTwoBytes": (
        32,
        ("firstValueFirstPart", "firstValueSecondPart", "firstValueThirdPart", "firstValueFourthPart"),
    ),
}
_THREATS = {
    "MALWARE": Category.MALWARE,
    "SOCIAL_ENGINEERING": Category.PHISHING,
    "UNWANTED_SOFTWARE": Category.UNWANTED,
    "POTENTIALLY_HARMFUL_APPLICATION": Category.UNWANTED,
}
_LISTS = {"se": "SOCIAL_ENGINEERING", "mw": "MALWARE", "uws": "UNWANTED_SOFTWARE", "uwsa": "UNWANTED_SOFTWARE"}
_LISTS["pha"] = "POTENTIALLY_HARMFUL_APPLICATION"
_NOT_FOR_BLOCKING = frozenset(("CANARY", "FRAME_ONLY"))


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each hash gives, numbered from 1."""
    document = read_document(lines)
    if isinstance(document, Skipped) or not isinstance(document, dict):
        yield document if isinstance(document, Skipped) else skip(1, "", Why.MALFORMED)
    elif isinstance(document.get("fullHashes"), list):
        yield from _answers(document)
    else:
        yield from _listed(document)


def _listed(document: Fields) -> Iterator[Outcome]:
    name = word(document, "name")
    if name.startswith("gc-") or words(_fields(document.get("metadata")), "likelySafeTypes"):
        yield skip(1, name, Why.SAFE_LIST)
        return
    try:
        hashes = _whole_list(document)
    except ValueError as error:
        yield skip(1, f"{name} {error}", Why.MALFORMED)
        return
    category = _THREATS.get(_LISTS.get(name.partition("-")[0], ""))
    for number, one in enumerate(hashes, 1):
        yield Entry(number, FeedOnly.URL_HASH, one.hex(), category=category)


def _answers(document: Fields) -> Iterator[Outcome]:
    found = document["fullHashes"]
    for number, one in enumerate(found if isinstance(found, list) else (), 1):
        fields = _fields(one)
        try:
            digest = _bytes(word(fields, "fullHash"))
        except ValueError:
            digest = b""
        if len(digest) != 32:
            yield skip(number, word(fields, "fullHash"), Why.NOT_A_HASH)
        else:
            yield _judged(number, digest, fields)


def _judged(number: int, digest: bytes, fields: Fields) -> Outcome:
    """Read the details of a full hash; one with a word that we do not know counts for nothing, as the API asks."""
    details = fields.get("fullHashDetails")
    why = Why.UNSUPPORTED
    for detail in details if isinstance(details, list) else ():
        plain = _fields(detail)
        category, attributes = _THREATS.get(word(plain, "threatType")), words(plain, "attributes")
        if category and not attributes:
            return Entry(number, FeedOnly.URL_HASH, digest.hex(), category=category)
        if category and _NOT_FOR_BLOCKING.issuperset(attributes):
            why = Why.NOT_FOR_BLOCKING
    return skip(number, digest.hex(), why)


def merged(held: str, update: str) -> str:
    """Return the list after an update, as a document that `parse` and this function read.

    `held` is what this function gave before, or nothing. Raises ValueError where the update does not fit what is held
    or its checksum is wrong: a whole list must then be asked for.
    """
    document = _one_list(update)
    hashes = _apply(_whole_list(_one_list(held)) if held else [], document)
    checksum = word(document, "sha256Checksum")
    if checksum and sha256(b"".join(hashes)).digest() != _bytes(checksum):
        raise ValueError("the checksum of the hash list is wrong")
    kept = {name: document[name] for name in ("name", "version", "metadata", "minimumWaitDuration") if name in document}
    length = len(hashes[0]) if hashes else 4
    raw = b64encode(b"".join(hashes)).decode()
    return json.dumps({**kept, "hashBytes": length, "rawHashes": raw, "sha256Checksum": checksum})


def _apply(held: list[bytes], update: Fields) -> list[bytes]:
    """Take out what an update removes, by its place in the held list, then put in what it adds; sorted."""
    if update.get("partialUpdate") is not True:
        return _added(update)
    gone = set(_numbers(_fields(update.get("compressedRemovals")), 4, ("firstValue",)))
    if gone and max(gone) >= len(held):
        raise ValueError("the update removes hashes that are not held")
    kept = [one for at, one in enumerate(held) if at not in gone]
    added = _added(update)
    if kept and added and len(kept[0]) != len(added[0]):
        raise ValueError("the update holds hashes of another length")
    return sorted({*kept, *added})


def _whole_list(document: Fields) -> list[bytes]:
    """Return the hashes of a whole list, checked. Raises ValueError."""
    if document.get("partialUpdate") is True:
        raise ValueError("changes to a list, without the list")
    if "rawHashes" in document:
        raw, length = _bytes(word(document, "rawHashes")), whole(document.get("hashBytes")) or 4
        if length not in (4, 8, 16, 32) or len(raw) % length:
            raise ValueError("hashes of an unknown length")
        hashes = [raw[at : at + length] for at in range(0, len(raw), length)]
    else:
        hashes = _added(document)
    checksum = word(document, "sha256Checksum")
    if checksum and sha256(b"".join(hashes)).digest() != _bytes(checksum):
        raise ValueError("its checksum is wrong")
    return hashes


def _added(document: Fields) -> list[bytes]:
    for key, (length, parts) in _ADDITIONS.items():
        if key in document:
            return [one.to_bytes(length, "big") for one in _numbers(_fields(document[key]), length, parts)]
    return []


def _numbers(fields: Fields, length: int, parts: tuple[str, ...]) -> list[int]:
    if not fields:
        return []
    first = 0
    for part in parts:
        first = first << (64 if len(parts) > 1 else 0) | (whole(fields.get(part)) or 0)
    data = _bytes(word(fields, "encodedData"))
    return rice.decode(
        first, whole(fields.get("riceParameter")) or 0, whole(fields.get("entriesCount")) or 0, data, length * 8
    )


def _one_list(text: str) -> Fields:
    document = read_document([text])
    lists = document.get("hashLists") if isinstance(document, dict) else None
    found: Json = lists[0] if isinstance(lists, list) and len(lists) == 1 else None if lists else document  # type: ignore[assignment]
    if not isinstance(found, dict):
        raise ValueError("expected one hash list as a JSON object")
    return found


def _fields(value: Json) -> Fields:
    return value if isinstance(value, dict) else {}


def _bytes(text: str) -> bytes:
    return b64decode(text.translate(_URL_SAFE) + "=" * (-len(text) % 4), validate=True)


_URL_SAFE = str.maketrans("-_", "+/")
