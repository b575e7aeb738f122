"""What a block or warn page says, as plain values: chosen here, laid out in `pages.py`.

Every text that came from the network is made harmless to read here (control and direction characters, length); that
it cannot become markup is the templates' work.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from indicators.indicator import Indicator
from indicators.observation import Observation
from indicators.verdict import Verdict
from indicators.words import Action, Category, Stage

_MAX_TEXT = 2000  # characters
_MAX_URL = 300
_UNPRINTABLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))  # Cf holds the bidirectional overrides

_EXPLANATIONS = {
    Category.PHISHING: "It imitates a page you trust to get at passwords, card numbers or codes.",
    Category.MALWARE: "It is known to carry malware, software that harms your device or steals from it.",
    Category.COMMAND_AND_CONTROL: "Malware takes its orders from here. If you did not open this yourself, an app on "
    "this device may be infected.",
    Category.MALICIOUS: "It is known to be used for attacks on visitors.",
    Category.SUSPICIOUS: "It looks like sites that harm their visitors.",
    Category.UNWANTED: "It is listed as unwanted.",
    Category.CUSTOM: "A rule set by whoever runs this gateway applies to it.",
}
_ADVICE = {
    Category.PHISHING: "If you have typed a password there, change it now.",
    Category.COMMAND_AND_CONTROL: "Remove apps that you do not know.",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """Hold all that a page or its JSON says; `facts` stand in reading order.

    `token` is set on a warn page only, `ask_token` where access can be asked for.
    """

    action: Action
    heading: str
    category: Category | None
    label: str
    explanation: str
    advice: str
    host: str
    url: str
    reason: str
    incident: str
    facts: tuple[tuple[str, str], ...]
    indicator: str = ""
    source: str = ""
    since: str = ""
    title: str = ""
    description: str = ""
    recommended_actions: str = ""
    educate_url: str = ""
    token: str = ""
    form: str = ""
    waived_for: str = ""
    ask_token: str = ""
    ask_form: str = ""

    @property
    def educate_host(self) -> str:
        """Return where the help link leads, for people to see before they follow it."""
        return urlsplit(self.educate_url).hostname or ""


def of_verdict(seen: Observation, verdict: Verdict, incident: str) -> Notice:
    """Return what is said about one verdict that stops a connection."""
    winner = verdict.winner
    where = _where(winner)
    since = f"{winner.since:%-d %B %Y}" if winner and winner.since else ""
    return Notice(
        action=verdict.action,
        heading=_heading(seen, verdict),
        category=verdict.category,
        label=_label(verdict),
        explanation=_explanation(verdict),
        advice=_ADVICE.get(verdict.category, "") if verdict.category else "",
        host=plain(seen.destination),
        url=plain(seen.url or "", _MAX_URL),
        reason=plain(verdict.reason),
        incident=incident,
        facts=tuple(_facts(seen, verdict, where, since)),
        indicator=plain(winner.value) if winner else "",
        source=winner.origin.source if winner else "",
        since=since,
        title=plain(winner.title) if winner else "",
        description=plain(winner.description) if winner else "",
        recommended_actions=plain(winner.recommended_actions) if winner else "",
        educate_url=_link(winner.educate_url) if winner else "",
    )


def plain(text: str, limit: int = _MAX_TEXT) -> str:
    """Return a text that reads as it is: no control or direction characters but line ends, cut in its middle."""
    shown = "".join(
        letter if letter == "\n" or unicodedata.category(letter) not in _UNPRINTABLE else "\ufffd" for letter in text
    )
    return shown if len(shown) <= limit else f"{shown[: limit * 2 // 3]} … {shown[-limit // 4 :]}"


def duration(span: timedelta) -> str:
    """Say a duration as people do: `24 hours`, `30 minutes`."""
    for name, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count, rest = divmod(int(span.total_seconds()), seconds)
        if count and not rest and (name != "day" or count > 1):
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{int(span.total_seconds())} seconds"


def _heading(seen: Observation, verdict: Verdict) -> str:
    thing = "file" if seen.stage is Stage.DOWNLOAD else "site"
    if verdict.failed:
        return "Blocked as a precaution"
    return f"This {thing} may be unsafe" if verdict.action is Action.WARN else f"This {thing} is blocked"


def _label(verdict: Verdict) -> str:
    if verdict.failed:
        return "Could not be judged"
    if verdict.category is Category.CUSTOM and verdict.action is Action.WARN:
        return "A rule of your organisation"
    return verdict.category.label if verdict.category else "Not reachable through the gateway"


def _explanation(verdict: Verdict) -> str:
    if verdict.failed:
        return "The gateway could not judge this connection, and its policy is to stop what it cannot judge."
    return _EXPLANATIONS[verdict.category] if verdict.category else f"{plain(verdict.reason).capitalize()}."


def _facts(seen: Observation, verdict: Verdict, where: str, since: str) -> list[tuple[str, str]]:
    winner = verdict.winner
    matched = winner.value if winner and winner.value != seen.host else ""
    facts = [
        ("Address", plain(seen.url or "", _MAX_URL)),
        ("Matched", plain(matched, _MAX_URL)),
        ("Listed by", plain(where)),
        ("Since", since),
        ("Reason", "" if winner else plain(verdict.reason)),
    ]
    return [(name, value) for name, value in facts if value]


def _where(winner: Indicator | None) -> str:
    if winner is None:
        return ""
    return "this gateway's own rules" if winner.origin.custom else f"the feed {winner.origin.source}"


def _link(url: str) -> str:
    """Return a help address only when it is a web address: `javascript:` and its like are no help."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""
