"""AdGuard DNS and Adblock Plus rules that name a host or a URL; whatever else a rule says is skipped as a whole.

A rule is never half applied: one with a condition that cannot be kept (`$client`, `$third-party`, `$dnstype` for some
queries only) or a pattern other than an expression (`/…/`) is none. `@@` is the list's own exception, and so is what
`$denyallow` names. `$important`, `$badfilter` and `$denyallow` look at other rules, so the list is read twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indicators.feeds.adguard_rules import Rule, read_rule
from indicators.feeds.entry import Entry, FeedOnly, Outcome, Why, skip
from indicators.feeds.expressions import MAX_EXPRESSIONS, compiled
from indicators.feeds.hosts_files import parse as parse_hosts
from indicators.feeds.lines import content, without_comment
from indicators.feeds.values import read_host, read_network, read_url
from indicators.hosts import parents
from indicators.words import Action, IndicatorType

_HOSTS_LINE = re.compile(r"[0-9A-Fa-f:.]+\s+\S").match
_COSMETIC = re.compile(r"#[@?$%]{0,2}#|\$\$").search
_SINGLE = re.compile(r"[\w*.:\[\]-]+").fullmatch


def parse(lines: Iterable[str]) -> Iterator[Outcome]:
    """Yield what each line gives. The text of the whole list is held in memory."""
    held = list(lines)
    off = {_target(text) for text in held if "badfilter" in text}
    important = {name for text in held if "important" in text for name in _important(text)}
    listed = set(_blocked(held)) if any("denyallow=" in text for text in held) else set()
    expressions = 0
    for line, text, skipped in content(held):
        if skipped:
            yield skipped
        elif text.startswith("[") and text.endswith("]"):
            yield skip(line, text, Why.COMMENT)
        elif text in off:
            yield skip(line, text, Why.OVERRULED)
        elif _HOSTS_LINE(text):
            yield from (one._replace(line=line) for one in parse_hosts([text]))
        else:
            found = _overruled(line, text, _outcome(line, text), important)
            expressions += found.__class__ is Entry and found.type is FeedOnly.PATTERN
            yield found if expressions <= MAX_EXPRESSIONS else skip(line, text, Why.BAD_PATTERN)
            if "denyallow=" in text and isinstance(found, Entry):
                yield from _taken_out(line, text, found.value, listed)


def _blocked(held: list[str]) -> Iterator[str]:
    """Yield the hosts that rules block."""
    for line, text, skipped in content(held):
        found = None if skipped else _outcome(line, text)
        if isinstance(found, Entry) and found.action is None:
            yield found.value


def _taken_out(line: int, text: str, above: str, listed: set[str]) -> Iterator[Outcome]:
    """Yield an exception for what `$denyallow` names below a rule's host, unless another rule blocks it."""
    rule = read_rule(text)
    for name in rule.but if isinstance(rule, Rule) else ():
        found = read_host(line, name)
        if isinstance(found, Entry) and found.value.endswith("." + above):
            between = [one for one in parents(found.value) if one.endswith("." + above)]
            if not listed.intersection(between):
                yield found._replace(action=Action.ALLOW)


def _target(text: str) -> str:
    """Return the rule that a `$badfilter` rule switches off; an empty text for none."""
    body, mark, modifiers = text.strip().rpartition("$")
    kept = [one for one in modifiers.split(",") if one != "badfilter"]
    return (body + mark * bool(kept) + ",".join(kept)) if body and "badfilter" in modifiers.split(",") else ""


def _important(text: str) -> Iterator[str]:
    rule = read_rule(text.strip())
    if isinstance(rule, Rule) and rule.important and not rule.exception:
        found = _value(1, text, rule)
        if isinstance(found, Entry):
            yield found.value.rstrip("/")


def _overruled(line: int, text: str, found: Outcome, important: set[str]) -> Outcome:
    """Drop an exception that a rule marked as important stands above, unless it is important itself."""
    if not important or not isinstance(found, Entry) or found.action is not Action.ALLOW:
        return found
    rule = read_rule(text)
    above = parents(found.value.partition("/")[0])
    if isinstance(rule, Rule) and not rule.important and any(name in important for name in above):
        return skip(line, text, Why.OVERRULED)
    return found


def _outcome(line: int, text: str) -> Outcome:
    if _COSMETIC(text):
        return skip(line, text, Why.UNSUPPORTED)
    rule = read_rule(text)
    return skip(line, text, rule) if isinstance(rule, Why) else _value(line, text, rule)


def _value(line: int, text: str, rule: Rule) -> Outcome:
    if rule.expression:
        return _expression(line, text, rule)
    pattern = without_comment(rule.pattern)
    if re.fullmatch(r"[0-9.]+/\d+", pattern):
        found = next(iter(read_network(line, pattern)))
    elif "/" in pattern:
        found = read_url(line, pattern, rule.exact)
    elif _SINGLE(pattern) or not pattern.isascii():
        found = read_host(line, pattern, rule.rewrite, rule.exact, rule.answer)
    else:
        return skip(line, text, Why.PATTERN)
    if not isinstance(found, Entry):
        return found
    action = Action.ALLOW if rule.exception else None
    exact = found.exact and found.type is not IndicatorType.IP
    return found._replace(action=action, rewrite=rule.rewrite, exact=exact)


def _expression(line: int, text: str, rule: Rule) -> Outcome:
    if rule.rewrite or not compiled(rule.pattern):
        return skip(line, text, Why.BAD_PATTERN)
    return Entry(line, FeedOnly.PATTERN, rule.pattern, action=Action.ALLOW if rule.exception else None)
