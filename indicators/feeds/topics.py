"""What a publisher's tags say about an entry, in our words for categories."""

from __future__ import annotations

from collections.abc import Iterable

from indicators.words import Category

_BY_WORD = {
    "phishing": Category.PHISHING,
    "scam": Category.PHISHING,
    "malware": Category.MALWARE,
    "malware_download": Category.MALWARE,
    "payload": Category.MALWARE,
    "payload_delivery": Category.MALWARE,
    "ransomware": Category.MALWARE,
    "spyware": Category.MALWARE,
    "botnet_cc": Category.COMMAND_AND_CONTROL,
    "c2": Category.COMMAND_AND_CONTROL,
    "command-and-control": Category.COMMAND_AND_CONTROL,
}


def topic(tags: Iterable[str]) -> Category | None:
    """Return the category of the first tag that names one; `ns:predicate="phishing"` counts as `phishing`."""
    for tag in tags:
        name = tag.lower().lstrip("#").rpartition("=")[2].strip('"')
        if name in _BY_WORD:
            return _BY_WORD[name]
    return None
