"""One AdGuard rule taken apart: exception or not, what it names, and its modifiers. Nothing is made canonical here."""

from __future__ import annotations

import re
from typing import NamedTuple

from indicators.feeds.entry import Why

_MODIFIERS = re.compile(r"(.+?)\$((?:~?[a-z][a-z0-9_-]*(?:=[^,]*)?)(?:,~?[a-z][a-z0-9_-]*(?:=[^,]*)?)*)").fullmatch
_KNOWN = frozenset(("important", "all", "dnsrewrite"))
_NOWHERE = re.compile(r"(?:NXDOMAIN|REFUSED|NOERROR|SERVFAIL|0\.0\.0\.0|::|127\.0\.0\.1|::1)?(?:;;)?", re.I).fullmatch
_REWRITE = re.compile(r"NOERROR;(?:A|AAAA);", re.IGNORECASE)


class Rule(NamedTuple):
    """Hold a rule that can be applied as a whole; `pattern` is a host, an address, a network or host and path."""

    pattern: str
    exception: bool
    exact: bool
    important: bool
    rewrite: bool


def read_rule(text: str) -> Rule | Why:
    """Take a rule apart, or return why it cannot be applied as a whole."""
    exception = text.startswith("@@")
    body = text[2:] if exception else text
    if body.startswith("/") and re.search(r"/(?:\$|$)", body[1:]):
        return Why.PATTERN
    found = _MODIFIERS(body)
    body, words = (found[1], found[2].split(",")) if found else (body, [])
    why = _unusable(words, exception)
    if why:
        return why
    pattern, exact = _named(body)
    if not pattern:
        return Why.PATTERN
    return Rule(pattern, exception, exact, "important" in words, any(map(_is_rewrite, words)))


def _unusable(words: list[str], exception: bool) -> Why | None:
    names = {word.partition("=")[0] for word in words}
    if "badfilter" in names:
        return Why.SETTING
    if names - _KNOWN or (exception and "dnsrewrite" in names):
        return Why.CONDITIONAL
    return None


def _is_rewrite(word: str) -> bool:
    name, _, value = word.partition("=")
    return name == "dnsrewrite" and not _NOWHERE(_REWRITE.sub("", value))


def _named(body: str) -> tuple[str, bool]:
    """Return what a rule names and whether that alone is meant; nothing where it is a pattern."""
    covering, start = body.startswith("||"), body.startswith("|")
    rest = body.removeprefix("||").removeprefix("|")
    end = rest.endswith("|")
    rest = rest.rstrip("|").removesuffix("^")
    host, slash, _ = rest.partition("://")[2].partition("/") if "://" in rest else rest.partition("/")
    bare = host.removeprefix("*.")
    if not bare or bare.endswith(".") or "*" in rest.removeprefix("*.") or "^" in rest or "|" in rest:
        return "", False
    if not covering and (slash or "://" in rest) and not start:
        return "", False  # a part of any URL
    return rest, end if slash else start and not covering
