"""Events that differ only in the name that was asked for: written from a form, many times as fast as one by one.

A form is made of one such event, by leaving blanks where the others differ. What cannot be told apart so (an address, a
path, a guard whose words quote the name) has no form and is written the long way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from indicators.event import Evidence, VerdictEvent
from indicators.event_wire import to_json

_TEXT, _NUMBER, _END = "\ue000", "\ue001", "\ue002"  # private-use characters around a blank's number
_BLANK = re.compile(f'{_TEXT}([0-9]+){_END}|"{_NUMBER}([0-9]+){_END}"')
_ID, _TIME, _HOST, _FIRST = range(4)  # from `_FIRST` on: the name and the line of each match


class Form:
    """Write events of one device and one kind of verdict."""

    __slots__ = ("_blanks", "_text", "device")

    def __init__(self, event: VerdictEvent, text: str) -> None:
        self.device = event.device
        self._blanks = itemgetter(*(int(blank[1] or blank[2]) for blank in _BLANK.finditer(text)))
        self._text = _BLANK.sub("%s", text.replace("%", "%%"))

    def write(self, event_id: str, stamp: str, host: str, evidence: Sequence[str]) -> bytes:
        """Return an event as UTF-8 JSON; `evidence` is the indicator's name and its line, of each match in turn."""
        event: str = self._text % self._blanks((event_id, stamp, host, *evidence))
        return event.encode("utf-8", "replace")


class Alike(NamedTuple):
    """Hold an enforcement that differs from the one that `form` was made of in host and evidence alone."""

    form: Form
    host: str
    evidence: Sequence[str]


def form_of(event: VerdictEvent) -> Form | None:
    """Return the form of events like this one; nothing where they differ in more than name, line, id and time."""
    names = [event.host, *(match.indicator for match in event.matches)]
    if not _is_plain(event) or not all(_is_on(match, event.host) for match in event.matches):
        return None
    body = to_json(event)
    body["id"] = body["incident"] = _text(_ID)
    body["time"], body["host"] = _text(_TIME), _text(_HOST)
    body["reason"] = _text(_FIRST) + event.reason.removeprefix(event.matches[0].indicator)
    for at, match in enumerate(body["matches"]):
        match["indicator"], match["observable"] = _text(_FIRST + 2 * at), _text(_HOST)
        match["line"] = f"{_NUMBER}{_FIRST + 2 * at + 1}{_END}"
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    if any(name in text for name in names):  # somewhere we did not look
        return None
    return Form(event, text)


def evidence_of(event: VerdictEvent) -> list[str]:
    """Return what to write into the form of an event for that event itself."""
    return [text for match in event.matches for text in (match.indicator, str(match.line))]


def _is_plain(event: VerdictEvent) -> bool:
    if event.url or event.addresses or event.hashes or event.hidden or not event.matches:
        return False
    return event.host != "" and event.reason.startswith(event.matches[0].indicator + " ")


def _is_on(match: Evidence, host: str) -> bool:
    return match.observable == host and not match.guard and match.line > 0 and match.type == "domain"


def _text(number: int) -> str:
    return f"{_TEXT}{number}{_END}"
