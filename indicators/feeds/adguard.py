"""AdGuard DNS and Adblock Plus rules that name a host or a URL; whatever else a rule says is skipped as a whole.

A rule is never half applied: one with a condition (`$dnstype`, `$client`, `$denyallow`, `$third-party`) or a pattern
is none. `@@` is the list's own exception. `$important` and `$badfilter` act on other rules, so the list is read twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indicators.feeds.adguard_rules import Rule, read_rule
from indicators.feeds.entry import Entry, Outcome, Why, skip
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
            yield _overruled(line, text, _outcome(line, text), important)


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
    pattern = without_comment(rule.pattern)
    if re.fullmatch(r"[0-9.]+/\d+", pattern):
        found = next(iter(read_network(line, pattern)))
    elif "/" in pattern:
        found = read_url(line, pattern, rule.exact)
    elif _SINGLE(pattern) or not pattern.isascii():
        found = read_host(line, pattern, rule.rewrite, rule.exact)
    else:
        return skip(line, text, Why.PATTERN)
    if not isinstance(found, Entry):
        return found
    action = Action.ALLOW if rule.exception else None
    exact = found.exact and found.type is not IndicatorType.IP
    return found._replace(action=action, rewrite=rule.rewrite, exact=exact)
