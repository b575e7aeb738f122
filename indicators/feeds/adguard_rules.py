"""One AdGuard rule taken apart: exception or not, what it names, and its modifiers. Nothing is made canonical here."""

from __future__ import annotations

import re
from typing import NamedTuple

from indicators.feeds.entry import Why

_MODIFIERS = re.compile(r"(.+?)\$((?:~?[a-z][a-z0-9_-]*(?:=[^,]*)?)(?:,~?[a-z][a-z0-9_-]*(?:=[^,]*)?)*)").fullmatch
_KNOWN = frozenset(("important", "all", "dnsrewrite", "dnstype", "denyallow"))
_EXPRESSION = re.compile(r"/(.+)/(?:\$([^/]*))?").fullmatch
_ADDRESS_TYPES = frozenset(("A", "AAAA"))  # what a connection needs an answer to
_NOWHERE = re.compile(r"(?:NXDOMAIN|REFUSED|NOERROR|SERVFAIL|0\.0\.0\.0|::|127\.0\.0\.1|::1)?(?:;;)?", re.I).fullmatch
_REWRITE = re.compile(r"NOERROR;(?:A|AAAA);", re.IGNORECASE)


class Rule(NamedTuple):
    """Hold a rule that can be applied as a whole.

    `pattern` is a host, an address, a network, host and path, or, for an `expression`, one over host names. `answer` is
    what a rewrite answers with, `but` what `$denyallow` takes out.
    """

    pattern: str
    exception: bool
    exact: bool
    important: bool
    rewrite: bool
    answer: str = ""
    but: tuple[str, ...] = ()
    expression: bool = False


def read_rule(text: str) -> Rule | Why:
    """Take a rule apart, or return why it cannot be applied as a whole."""
    exception = text.startswith("@@")
    body = text[2:] if exception else text
    expression = _EXPRESSION(body)
    found = expression or _MODIFIERS(body)
    body, words = (found[1], (found[2] or "").split(",") if found[2] else []) if found else (body, [])
    why = _unusable(words, exception)
    if why:
        return why
    pattern, exact = (body, False) if expression else _named(body)
    if not pattern:
        return Why.PATTERN
    values = dict(word.partition("=")[::2] for word in words)
    but = tuple(values["denyallow"].split("|")) if "denyallow" in values else ()
    if expression and but:
        return Why.CONDITIONAL
    answer = _REWRITE.sub("", values.get("dnsrewrite", ""))
    rewrite = any(map(_is_rewrite, words))
    return Rule(pattern, exception, exact, "important" in words, rewrite, answer, but, expression is not None)


def _unusable(words: list[str], exception: bool) -> Why | None:
    names = {word.partition("=")[0] for word in words}
    if "badfilter" in names:
        return Why.SETTING
    if names - _KNOWN or (exception and names & {"dnsrewrite", "denyallow"}):
        return Why.CONDITIONAL
    types = next((word.partition("=")[2] for word in words if word.startswith("dnstype=")), None)
    return None if types is None or _stops_connections(types) else Why.CONDITIONAL


def _stops_connections(types: str) -> bool:
    """Say whether a rule for these query types stops every connection, as one without `$dnstype` would.

    A rule for one kind of address, or for other records only, is a condition that connections cannot keep.
    """
    named = {one.strip().upper() for one in types.split("|")}
    if any(one.startswith("~") for one in named):
        return not {one.removeprefix("~") for one in named} & _ADDRESS_TYPES
    return named >= _ADDRESS_TYPES


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
