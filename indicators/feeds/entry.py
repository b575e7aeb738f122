"""What a parser makes of a line: an entry, or the reason why it is none. Values only.

Named tuples, not dataclasses: a compilation makes millions of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from indicators.words import Action, Category, IndicatorType

MAX_SAMPLE = 200  # characters of a skipped line that are kept


class Why(StrEnum):
    """Name the reasons for which a line gives no entry. The value is what a person reads."""

    BLANK = "blank line"
    COMMENT = "comment"
    NOT_A_HOST = "not a host name"
    NO_DOT = "a single label, not a domain name"
    LOCAL_NAME = "a name of the local machine or network"
    NOT_A_URL = "not a URL that a browser can open"
    CUT_SHORT = "cut short by its publisher"
    NOT_AN_ADDRESS = "not an IP address or network"
    SPECIAL_ADDRESS = "a special-purpose address, which no public site has"
    TOO_WIDE = "a network so wide that it must be a mistake"
    TOO_LONG = "too long"
    NO_TARGET = "a hosts line without a name"
    NOT_TEXT = "not readable as text"
    NOT_A_HASH = "not a hash of a file or certificate"
    MALFORMED = "not laid out as its format says"
    PATTERN = "a pattern that is not matched here: of patterns, only expressions over whole host names are"
    BAD_PATTERN = "an expression that RE2 does not compile, or that costs too much"
    OWN_ADDRESS = "the gateway's own address, or that of a resolver it asks"
    SAFE_LIST = "a list of what is safe, not of threats"
    SETTING = "a setting of the list, not an entry"
    CONTEXT = "an object that names nothing to look for"
    CONDITIONAL = "a rule with a condition that cannot be kept here"
    OVERRULED = "overruled by another rule of the list"
    REVOKED = "withdrawn by its publisher"
    NOT_FOR_BLOCKING = "marked by its publisher as not for detection"
    UNSUPPORTED = "a kind of entry that is not supported"


class FeedOnly(StrEnum):
    """Name what a feed may hold beside indicators: what meets it is then told as an indicator of another type."""

    PATTERN = "pattern"  # an expression over host names (RE2), met by a domain
    URL_HASH = "url_hash"  # the first bytes of a Safe Browsing expression's SHA-256, in hex, met by a URL


class Entry(NamedTuple):
    """Hold one usable indicator of a feed, in canonical form (see `Indicator.value`).

    What is nothing here is the feed's own setting. `rewrite` marks an entry that asks for a redirection, `target` is
    the address that it asks to answer with; empty where it names something else.
    """

    line: int  # 1-based
    type: IndicatorType | FeedOnly
    value: str
    exact: bool = False
    rewrite: bool = False
    action: Action | None = None
    category: Category | None = None
    confidence: int = 100
    expires: int = 0  # Unix seconds; 0 for never
    target: str = ""


class Skipped(NamedTuple):
    """Hold what could not be used, and why."""

    line: int
    text: str
    why: Why


type Outcome = Entry | Skipped


def skip(line: int, text: str, why: Why) -> Skipped:
    """Return a skipped line, its text cut to what a person needs to find it."""
    return Skipped(line, text if len(text) <= MAX_SAMPLE else text[: MAX_SAMPLE - 1] + "…", why)
