"""What a person may change of an alert, by Defender's rules: which words there are and which go together. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STATUSES = ("New", "InProgress", "Resolved")
RESOLVED = "Resolved"
_OF_CLASS = {
    "TruePositive": (
        "MultiStagedAttack",
        "MaliciousUserActivity",
        "CompromisedUser",
        "Malware",
        "Phishing",
        "UnwantedSoftware",
        "Other",
    ),
    "InformationalExpectedActivity": (
        "SecurityTesting",
        "LineOfBusinessApplication",
        "ConfirmedActivity",
        "ConfirmedUserActivity",
        "Other",
    ),
    "FalsePositive": ("Clean", "NotMalicious", "InsufficientData", "Other"),
}
CLASSIFICATIONS = tuple(_OF_CLASS)
DETERMINATIONS = tuple(dict.fromkeys(word for words in _OF_CLASS.values() for word in words))
LONGEST_COMMENT = 4000  # characters
_LONGEST_NAME = 256
_KEYS = ("status", "assignedTo", "classification", "determination", "comment")


class TriageError(ValueError):
    """Say which key is wrong and what was expected."""


@dataclass(frozen=True, slots=True)
class Change:
    """Hold what is to change. Nothing leaves a value as it is; an empty text takes an assignment or a class back."""

    status: str | None = None
    classification: str | None = None
    determination: str | None = None
    assigned_to: str | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        """Refuse words that Defender does not have, and a determination of another classification."""
        _known("status", self.status, STATUSES)
        _known("classification", self.classification, (*CLASSIFICATIONS, ""))
        _known("determination", self.determination, (*DETERMINATIONS, ""))
        if self.classification and self.determination:
            _known(f"determination for {self.classification}", self.determination, _OF_CLASS[self.classification])
        _bounded("assignedTo", self.assigned_to, _LONGEST_NAME)
        _bounded("comment", self.comment, LONGEST_COMMENT)
        if self.comment is not None and not self.comment.strip():
            raise TriageError("comment: expected some text")

    def fits(self, classification: str | None) -> None:
        """Refuse a determination that does not go with the classification that the alert has already."""
        if self.determination and self.classification is None and classification:
            _known(f"determination for {classification}", self.determination, _OF_CLASS[classification])


def read_change(body: object) -> Change:
    """Read the body of a PATCH. Raises TriageError naming the key."""
    if not isinstance(body, Mapping) or not body:
        raise TriageError(f"body: expected an object with some of {', '.join(_KEYS)}")
    for key in body:
        if key not in _KEYS:
            raise TriageError(f"{key:.40}: cannot be changed; expected some of {', '.join(_KEYS)}")
    return Change(
        status=_word(body, "status", STATUSES),
        classification=_word(body, "classification", CLASSIFICATIONS),
        determination=_word(body, "determination", DETERMINATIONS),
        assigned_to=_text(body, "assignedTo"),
        comment=_text(body, "comment"),
    )


def _word(body: Mapping[str, Any], key: str, words: tuple[str, ...]) -> str | None:
    """Read a word in any letter case; null takes it back where that can be."""
    if key not in body:
        return None
    value = body[key]
    if value is None and key != "status":
        return ""
    found = [word for word in words if isinstance(value, str) and word.lower() == value.lower()]
    if not found:
        raise TriageError(f"{key}: expected one of {', '.join(words)}, got {value!r:.40}")
    return found[0]


def _text(body: Mapping[str, Any], key: str) -> str | None:
    if key not in body:
        return None
    value = body[key]
    if value is None and key == "assignedTo":
        return ""
    if not isinstance(value, str):
        raise TriageError(f"{key}: expected text, got {value!r:.40}")
    return value


def _known(key: str, value: str | None, words: tuple[str, ...]) -> None:
    if value is not None and value not in words:
        raise TriageError(f"{key}: expected one of {', '.join(filter(None, words))}, got {value!r:.40}")


def _bounded(key: str, value: str | None, most: int) -> None:
    if value is not None and (len(value) > most or "\0" in value):
        raise TriageError(f"{key}: expected at most {most} characters")
