"""What a user agent or client hint tells of the operating system, how precisely, and how far it can be believed. Pure.

Nothing here is proof: a client may say what it likes. Agents that are known to be frozen or reduced are not believed,
and `CFNetwork/… Darwin/…` is not read: iOS and macOS share their kernel's version, so it would make phones of Macs.
Which of several claims stands is decided in `choosing.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from functools import lru_cache

from indicators.device_signs import Sign, SignKind


class ClaimSource(StrEnum):
    """Tell where a claim was read."""

    POSTURE = "posture report"
    SYSTEM_AGENT = "system agent"
    CLIENT_HINT = "client hint"
    APP = "app or web view"
    BROWSER = "browser"
    CAPTIVE_CHECK = "captive-portal check"


class Confidence(IntEnum):
    """Tell how far a claim can be believed; a higher one stands against a lower."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    REPORTED = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold one claim. `version` is empty where only the family is told; `places` counts the numbers to be believed.

    `built` is the day of the branch that an Android build id names: the patch level is not older.
    """

    platform: str
    version: str
    places: int
    source: ClaimSource
    confidence: Confidence
    model: str = ""
    built: date | None = None


_BUILD = re.compile(r"\b[A-Z]{2,3}\d[A-Z]\.(\d{2})(\d{2})(\d{2})\.")
_MODEL = re.compile(r"Android [\d.]+; (?:[a-z]{2}-[a-z]{2}; )?([^;)]{1,64}?)(?: Build/|[;)])", re.IGNORECASE)
_IOS_VERSION = re.compile(
    r"\biOS/(\d{1,3}(?:\.\d{1,3}){0,2})\b"
    r"|\[iPhone OS,(\d{1,3}(?:\.\d{1,3}){0,2}),"
    r"|\b(?:iPhone|iPad|iPod)\d+,\d+/(\d{1,3}(?:\.\d{1,3}){0,2}) \("
)
_IOS_BUILD = re.compile(r"(?:\bbuild/|[,(]|\bAppleCoreMedia/1\.0\.0\.)(\d{2})([A-H])\d{2,4}[a-z]?\b")
_IOS_MODEL = re.compile(r"\b(?:iPhone|iPad|iPod)\d{1,2},\d{1,2}\b")
_FIRST_BUILD, _RENUMBERED, _LAST_BUILD = 16, 23, 30  # iOS 12; iOS 26, whose number skipped seven; none beyond is known
_NO_MODELS = frozenset({"K", "Mobile", "Tablet"})  # of reduced agents, and of Firefox
_FIREFOX_ON_TEN = re.compile(r"Android 10; .*\brv:\d+.* Firefox/")  # it says 10 on every older release, too
_SAFARI = re.compile(r"\bVersion/(\d{1,3})(?:\.(\d{1,3}))?[^ ]* .*\bSafari/")
_FIRST_FROZEN = 26  # Safari 26 and later name iOS 18 in their agents, whatever runs


@lru_cache(maxsize=4096)  # the same few agents come again and again, on the way of every event
def claim_of(user_agent: str) -> Claim | None:
    """Return what a user agent claims, or nothing where it names no system of a phone.

    >>> claim_of("itunesstored/1.0 iOS/17.5 model/iPhone14,2").version
    '17.5'
    >>> claim_of("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36").version
    ''
    """
    for read in _READERS:
        if claim := read(user_agent):
            return claim
    return None


def claim_of_hints(platform: str, version: str, model: str = "") -> Claim | None:
    """Return what `Sec-CH-UA-Platform` and `-Platform-Version` claim; quotes of the header form may be on them."""
    named, told = platform.strip('" '), version.strip('" ')
    if named not in {"Android", "iOS"}:
        return None
    places = len(told.split(".")) if named == "iOS" else 1
    known = told if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,3}){0,3}", told) else ""
    return Claim(named, known, min(3, places), ClaimSource.CLIENT_HINT, Confidence.MEDIUM, _named(model.strip('" ')))


def claim_of_sign(sign: Sign) -> Claim | None:
    """Return what a gateway's sign claims: client hints, or the system whose captive-portal check was seen.

    >>> claim_of_sign(Sign(SignKind.CLIENT_HINT, "Android|15.0.0|Pixel 9")).version
    '15.0.0'
    """
    if sign.kind is SignKind.CLIENT_HINT and sign.value.count("|") == 2:
        return claim_of_hints(*sign.value.split("|"))
    if sign.kind is SignKind.CAPTIVE_CHECK and sign.value == "Android":
        return Claim("Android", "", 0, ClaimSource.CAPTIVE_CHECK, Confidence.LOW)
    return None  # Apple's check is the same on phones and Macs


def _system_agent(agent: str) -> Claim | None:
    """Read what iOS's own agents say of themselves, whole and unfrozen; an agent whose build denies it is not believed.

    `itunesstored/1.0 iOS/17.5 model/iPhone14,2 build/21F79`, `server-bag [iPhone OS,17.5,21F79,iPhone14,2]`,
    `iCloudServices/1.0 iPhone14,2/17.5 (21F79)`, and build alone: `AppleCoreMedia/1.0.0.21F79 (iPhone; …)`.
    """
    found = _IOS_VERSION.search(agent)
    told = next(filter(None, found.groups()), "") if found else ""
    build = _IOS_BUILD.search(agent)
    built = _release_of(build[1], build[2]) if build else ""
    model = _IOS_MODEL.search(agent)
    named = (ClaimSource.SYSTEM_AGENT, Confidence.HIGH, model[0] if model else "")
    if told and built and not _agree(told, built):
        return None
    if told:
        return Claim("iOS", told, 3, *named)
    if built and ("iPhone" in agent or "iPad" in agent):
        return Claim("iOS", built, 2, *named)
    return None


def _agree(told: str, built: str) -> bool:
    """Say whether a release is of the line that its build names; one told by its first number alone may be any."""
    parts, known = told.split("."), built.split(".")
    return parts[: len(known)] == known[: len(parts)]


def _release_of(number: str, letter: str) -> str:
    """Return the release that a build of iOS belongs to: 21F79 is of 17.5, 23A341 of 26.0; empty for others.

    The number rises by one a year; the year's releases are lettered from A on.
    """
    year = int(number)
    if not _FIRST_BUILD <= year <= _LAST_BUILD:
        return ""
    major = year - 4 if year < _RENUMBERED else year + 3
    return f"{major}.{ord(letter) - ord('A')}"


def _ios_browser(agent: str) -> Claim | None:
    found = re.search(r"(?:iPhone OS|CPU OS) (\d{1,3}(?:_\d{1,3}){0,2}) like Mac OS X", agent)
    if found is None:
        return None
    told = found[1].replace("_", ".")
    safari = _SAFARI.search(agent)
    if safari is None:
        return Claim("iOS", told, 3, ClaimSource.APP, Confidence.MEDIUM)
    if int(safari[1]) >= _FIRST_FROZEN:
        version = ".".join(part for part in safari.groups() if part)
        return Claim("iOS", version, 2, ClaimSource.BROWSER, Confidence.MEDIUM)
    return Claim("iOS", told, 3, ClaimSource.BROWSER, Confidence.MEDIUM)


def _android(agent: str) -> Claim | None:
    found = re.search(r"\bAndroid(?: (\d{1,3}(?:\.\d{1,3}){0,2}))?", agent)
    if found is None:
        return None
    if found[1] is None or "Android 10; K)" in agent or _FIREFOX_ON_TEN.search(agent):
        return Claim("Android", "", 0, ClaimSource.BROWSER, Confidence.LOW)
    own = agent.startswith("Dalvik/")
    model = _MODEL.search(agent)
    return Claim(
        platform="Android",
        version=found[1],
        places=2,
        source=ClaimSource.SYSTEM_AGENT if own else ClaimSource.APP if "; wv)" in agent else ClaimSource.BROWSER,
        confidence=Confidence.HIGH if own else Confidence.MEDIUM,
        model=_named(model[1]) if model else "",
        built=_built(agent),
    )


def _built(agent: str) -> date | None:
    """Return the day in a build id such as `UQ1A.240205.004`; none where it names no day."""
    found = _BUILD.search(agent)
    try:
        return date(2000 + int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def _named(model: str) -> str:
    """Return a model, or nothing for what browsers say in the place of one."""
    return "" if model in _NO_MODELS else model[:64]


_READERS: tuple[Callable[[str], Claim | None], ...] = (_system_agent, _ios_browser, _android)
