"""Say what is suspicious about custom indicators that are valid: what does nothing, too much, or not what it seems.

Pure: the indicators, the configuration and the time are given. Mistakes that make an entry invalid are found by
reading it (`indicator_files.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address

from indicators.addresses import parse_network
from indicators.hosts import is_address, parents
from indicators.indicator import Indicator
from indicators.memory_index import MemoryIndex
from indicators.public_suffix import is_public_suffix
from indicators.reasons import place
from indicators.urls import canonical
from indicators.verdict import Match
from indicators.words import Action, IndicatorType
from proxy.config.model import Config
from proxy.config.values import Address

_PATTERN = re.compile(r"\*|\.\+|\\|%5C|\[[^\]]*-[^\]]*\]|\([^)]*\|[^)]*\)|%5E|\^|\$$", re.IGNORECASE)
_OWN_NAME = "seawall.internal"
_PAGE = ("title", "description", "severity", "category", "generate_alert", "recommended_actions", "educate_url")


class Level(StrEnum):
    """Tell what should be changed from what should be known."""

    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one remark; `kind` is its short name."""

    file: str
    line: int
    level: Level
    kind: str
    indicator: str
    message: str

    def __str__(self) -> str:
        """Give `file:line: level: indicator: message`."""
        return f"{self.file}:{self.line}: {self.level}: {self.indicator}: {self.message}"

    def as_json(self) -> dict[str, object]:
        """Return the object that `--json` prints."""
        return asdict(self)


def lint(indicators: Iterable[Indicator], config: Config, now: datetime) -> list[Finding]:
    """Return what is to be said, in the order of the indicators. `now` is aware."""
    given = tuple(indicators)
    index, own = MemoryIndex(given), frozenset(_own_addresses(config))
    found: list[Finding] = []
    first: dict[_Identity, Indicator] = {}
    for one in given:
        twin = first.setdefault(_identity(one), one)
        remarks = (*_alone(one, now), *_of_own(one, own), *_related(one, index, twin))
        found += [
            Finding(one.origin.place, one.origin.line, level, kind, one.value, text) for level, kind, text in remarks
        ]
    return found


type _Remark = tuple[Level, str, str]


def _alone(one: Indicator, now: datetime) -> Iterator[_Remark]:
    if one.expiration is not None and one.expiration <= now:
        yield Level.WARNING, "expired", f"expired on {one.expiration:%Y-%m-%d}; it does nothing any more"
    whole_host = one.type is IndicatorType.DOMAIN or one.is_host_only
    if whole_host and not one.exact and "." not in one.host and not is_address(one.host):
        yield Level.WARNING, "top-level", "covers a whole top-level domain"
    elif whole_host and not one.exact and is_public_suffix(one.host):
        yield Level.WARNING, "public-suffix", "is a public suffix: covers every site below it, whoever owns it"
    if _PATTERN.search(one.value):
        yield Level.WARNING, "pattern", "looks like a pattern, but is taken literally: a URL covers what begins with it"
    if one.type is IndicatorType.URL and not whole_host:
        yield Level.NOTE, "needs-ca", "a URL with a path is seen over https only on devices that trust the CA"


def _of_own(one: Indicator, own: frozenset[Address]) -> Iterator[_Remark]:
    if one.action not in (Action.BLOCK, Action.WARN):
        return
    if one.type is IndicatorType.IP:
        network = parse_network(one.value)
        covered = any(address.version == network.version and address in network for address in own)
    else:
        literal = ip_address(one.host) if one.host and is_address(one.host) else None
        covered = literal in own or one.host == "localhost" or _OWN_NAME in parents(one.host or ".")
    if covered:
        yield Level.WARNING, "own-address", "covers this gateway's own address, console or pages"


def _own_addresses(config: Config) -> Iterator[Address]:
    yield from (ip_address("127.0.0.1"), ip_address("::1"))
    for section in (config.proxy, config.dns, config.collector):
        if not section.host.is_unspecified:
            yield section.host


def _related(one: Indicator, index: MemoryIndex, twin: Indicator) -> Iterator[_Remark]:
    """Yield what follows from other indicators; `twin` is the first that is the same, often `one` itself."""
    if twin is not one:
        yield Level.WARNING, "duplicate", f"stands at {place(twin.origin)} already"
        return
    covering = sorted(
        _covering(one, index), key=lambda match: (match.specificity, -match.action.strength), reverse=True
    )
    others = [match.indicator for match in covering if match.indicator is not one]
    winner = next((other for other in others if _outranks(other, one)), None)
    if winner is not None:
        yield Level.WARNING, "contradiction", f"does nothing: {winner.action} at {place(winner.origin)} outranks it"
    broader = _broader(one, others)
    if broader is not None:
        yield (
            Level.WARNING,
            "shadowed",
            f"does nothing of its own: {broader.value} at {place(broader.origin)} covers it",
        )


def _broader(one: Indicator, others: Iterable[Indicator]) -> Indicator | None:
    """Return the next broader indicator if it says the same always and for all; `others` come narrowest first."""
    for other in others:
        if _target(other) == _target(one):
            continue
        if _holds_for(other, one):
            return other if _says_the_same(other, one) else None
        if other.action is not one.action:
            return None  # in between, and for some
    return None


type _Identity = tuple[str, Action, frozenset[str], bool]


def _identity(one: Indicator) -> _Identity:
    return _target(one), one.action, one.device_groups, one.exact


def _target(one: Indicator) -> str:
    """Return what an indicator is about; a URL that is a whole host is about the host."""
    return one.host if one.is_host_only else f"{one.type}:{one.value}" if not one.host else one.value


def _outranks(other: Indicator, one: Indicator) -> bool:
    """Say whether an indicator of the same value decides whenever this one could (precedence rule 3)."""
    alike = _target(other) == _target(one) and (other.device_groups, other.exact) == (one.device_groups, one.exact)
    return alike and Action.AUDIT not in (one.action, other.action) and other.action.strength < one.action.strength


def _covering(one: Indicator, index: MemoryIndex) -> tuple[Match, ...]:
    """Return the indicators that cover all that this one covers, itself among them."""
    if one.type is IndicatorType.IP:
        network = parse_network(one.value)
        found = index.on_address(network.network_address)
        return tuple(match for match in found if match.length <= network.prefixlen)
    if one.type is IndicatorType.URL and not one.is_host_only:
        url = canonical(f"http://{one.value}")
        return (*index.on_url(url), *index.on_host(url.host))
    if one.host:
        return index.on_host(one.host)
    return index.on_certificate(one.value) if one.type is IndicatorType.CERTIFICATE else index.on_hash(one.value)


def _holds_for(broader: Indicator, one: Indicator) -> bool:
    """Say whether `broader` holds on every subdomain, for every device and at every moment that `one` does."""
    groups = not broader.device_groups or (one.device_groups and one.device_groups <= broader.device_groups)
    lasts = broader.expiration is None or (one.expiration is not None and one.expiration <= broader.expiration)
    return bool(groups) and lasts and not broader.exact


def _says_the_same(broader: Indicator, one: Indicator) -> bool:
    return broader.action is one.action and all(getattr(broader, name) == getattr(one, name) for name in _PAGE)
