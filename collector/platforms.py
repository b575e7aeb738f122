"""Guess a device's operating system from a user agent. Never evidence: agents are frozen, reduced, or lie."""

from __future__ import annotations

import re
from dataclasses import dataclass

from collector.vulnerabilities.claims import claim_of


@dataclass(frozen=True, slots=True)
class Platform:
    """Name an operating system family; `version` is empty where the agent does not tell it truthfully."""

    name: str
    version: str = ""


# Tried in order, after what phones say (`collector.vulnerabilities.claims`): an iPad also says Mac OS X.
_SIGNS = (
    (re.compile(r"\b(?:iPhone|iPad|iPod)\b"), "iOS"),
    (re.compile(r"\bCrOS\b"), "ChromeOS"),
    (re.compile(r"\bWindows\b"), "Windows"),
    (re.compile(r"\bMac OS X (\d{1,3}(?:[_.]\d{1,3}){0,2})"), "macOS"),
    (re.compile(r"\b(?:Linux|X11)\b"), "Linux"),
)
# What browsers on a Mac send whatever the system is: the family holds, the version says nothing.
_FROZEN = re.compile(r"Mac OS X 10[_.]15[_.]7")


def guess(user_agent: str) -> Platform | None:
    """Return the family that a user agent claims, or nothing when it claims none.

    >>> guess("Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8)")
    Platform(name='Android', version='14')
    >>> guess("curl/8.5.0") is None
    True
    """
    if claim := claim_of(user_agent):
        return Platform(claim.platform, claim.version)
    for sign, name in _SIGNS:
        if found := sign.search(user_agent):
            said = found[1] if found.re.groups and found[1] else ""
            return Platform(name, "" if _FROZEN.search(user_agent) else said.replace("_", "."))
    return None
