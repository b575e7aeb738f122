"""The precedence table of `tests/data/precedence.md`, and what the words of a verdict promise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indicators.addresses import parse_address
from indicators.classifier import _where_urls_lead
from indicators.decide import Terms, clean, decide
from indicators.hosts import canonical_host
from indicators.indicator import Indicator, Origin
from indicators.memory_index import MemoryIndex
from indicators.observation import Device, Observation
from indicators.overlay import Waiver
from indicators.settings import PolicySettings
from indicators.urls import canonical
from indicators.verdict import CLEAN, Match, Scope, Verdict
from indicators.words import Action, Category, IndicatorType, Mode, Stage, Visibility

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TABLE = Path(__file__).parent.parent / "data" / "precedence.md"
HASHES = {"sha256": (IndicatorType.SHA256, 64), "sha1": (IndicatorType.SHA1, 40), "md5": (IndicatorType.MD5, 32)}


@dataclass(frozen=True)
class Row:
    seen: str
    at: str
    indicators: str
    terms: str
    action: str
    final: str
    needs: str
    winner: str
    would: str
    alert: str


def rows() -> list[object]:
    found = []
    for number, line in enumerate(TABLE.read_text().splitlines(), start=1):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 10 and cells[0] not in ("seen", "---"):
            found.append(pytest.param(Row(*cells), id=f"line {number}: {cells[0]} {cells[1]}"))
    return found


def value_of(text: str) -> tuple[IndicatorType, str]:
    kind, _, digit = text.partition("=")
    if kind in HASHES:
        return HASHES[kind][0], digit * HASHES[kind][1]
    if kind == "cert":
        return IndicatorType.CERTIFICATE, digit * 40
    if "/" in text and text.partition("/")[2].isdigit() and (":" in text or text[0].isdigit()):
        return IndicatorType.IP, text
    if "/" in text:
        return IndicatorType.URL, text
    return (IndicatorType.IP if ":" in text or text[-1].isdigit() else IndicatorType.DOMAIN), text


def indicator(text: str) -> tuple[Indicator, Action | None]:
    source, action, value, *options = text.split()
    kind, canonical_value = value_of(value)
    named = dict(option.partition("=")[::2] for option in options)
    made = Indicator(
        canonical_value,
        kind,
        Action(action),
        Origin(source, source == "custom", "config.yaml" if source == "custom" else source, 7),
        expiration=NOW if "expired" in named else None,
        device_groups=frozenset(filter(None, named.get("group", "").split(","))),
        generate_alert="quiet" not in named,
        exact="exact" in named,
        always_inspect="always" in named,
    )
    return made, Action(named["lowered"]) if "lowered" in named else None


def observation(row: Row) -> Observation:
    stage, reach, *flags = row.at.split()
    hosts: list[str] = []
    found: dict[str, object] = {}
    for word in row.seen.replace(">", "").split():
        kind = word.partition("=")[0]
        if kind in HASHES:
            found["hashes"] = (*found.get("hashes", ()), value_of(word)[1])  # type: ignore[misc]
        elif kind == "cert":
            found["certificate"] = value_of(word)[1]
        elif "://" in word:
            found["url"] = word
            hosts.append(canonical(word).host)
        elif ":" in word or word[-1].isdigit():
            found["addresses"] = (parse_address(word),)
        else:
            hosts.append(canonical_host(word))
    return Observation(
        Stage(stage),
        Device("phone", "Phone", group="staff"),
        tuple(hosts),
        reach=Visibility(reach),
        can_show_page="no-page" not in flags,
        **found,  # type: ignore[arg-type]
    )


def met(given: str, seen: Observation) -> tuple[list[Match], list[Match]]:
    """Meet each indicator with what was seen, through a real index; a guard's action is put in afterwards."""
    matches, under = [], []
    for text in filter(None, (part.strip() for part in given.split(";"))):
        one, lowered = indicator(text)
        index = MemoryIndex([one])
        found = [match for host in seen.hosts for match in index.on_host(host)]
        found += [match for address in seen.addresses for match in index.on_address(address)]
        found += [match for digest in seen.hashes for match in index.on_hash(digest)]
        found += index.on_url(canonical(seen.url)) if seen.url else ()
        found += index.on_certificate(seen.certificate) if seen.certificate else ()
        if lowered is not None:
            found = [replace(match, action=lowered, guard="lowered: a top-ranked host") for match in found]
        matches += found
        under += [match for host in _where_urls_lead(seen) for match in index.urls_under(host)]
    return matches, under


def terms(text: str) -> Terms:
    words = dict(word.partition("=")[::2] for word in text.split())
    settings = PolicySettings(
        mode=Mode(words.get("mode", "enforce")),
        convert_warn_to_block="convert" in words,
        warn_without_page=Action(words.get("no-page", "block")),
        bodies="bodies" in words,
    )
    waived, _, host = words.get("waived", "").partition("@")
    waivers = (Waiver("phone", host, waived, NOW + timedelta(hours=1)),) if waived else ()
    paused = {"paused": NOW + timedelta(minutes=5), "pause-over": NOW}
    return Terms(settings, waivers, next((paused[word] for word in words if word in paused), None))


def told(verdict: Verdict) -> dict[str, str]:
    yes = {True: "yes", False: "no"}
    first = verdict.matches[0].indicator if verdict.matches else None
    return {
        "action": verdict.action,
        "final": yes[verdict.final],
        "needs": verdict.needs or "-",
        "winner": f"{first.origin.source} {first.value}" if first else "-",
        "would": verdict.would or "-",
        "alert": yes[verdict.alert],
    }


@pytest.mark.parametrize("row", rows())
def test_precedence(row: Row) -> None:
    seen = observation(row)
    verdict = decide(seen, NOW, *met(row.indicators, seen), terms(row.terms))
    source, _, value = row.winner.partition(" ")
    expected = {name: getattr(row, name) for name in ("action", "final", "needs", "would", "alert")}
    expected["winner"] = f"{source} {value_of(value)[1]}" if value else "-"
    assert told(verdict) == expected


def test_order_of_matches_does_not_change_what_is_done() -> None:
    for param in rows():
        row: Row = param.values[0]  # type: ignore[attr-defined]
        seen = observation(row)
        matches, under = met(row.indicators, seen)
        forward = decide(seen, NOW, matches, under, terms(row.terms))
        backward = decide(seen, NOW, matches[::-1], under[::-1], terms(row.terms))
        assert {**told(forward), "winner": ""} == {**told(backward), "winner": ""}, row


def test_nothing_met_is_the_shared_verdict() -> None:
    seen = Observation(Stage.DNS, Device("phone", "Phone"), ("good.example",))
    assert decide(seen, NOW, [], [], Terms(PolicySettings())) is CLEAN
    assert clean(Stage.HTTP, PolicySettings(bodies=True)) is clean(Stage.HTTP, PolicySettings(bodies=True))
    assert CLEAN.is_plain_allow


@pytest.mark.parametrize(
    ("device", "until", "action"),
    [("phone", NOW + timedelta(seconds=1), Action.ALLOW), ("phone", NOW, Action.WARN), ("other", None, Action.WARN)],
)
def test_waiver_is_for_one_device_and_a_while(device: str, until: datetime | None, action: Action) -> None:
    seen = Observation(Stage.HTTP, Device("phone", "Phone"), ("evil.example",))
    waiver = Waiver(device, "evil.example", "evil.example", until or NOW + timedelta(hours=1))
    matches, under = met("custom warn evil.example", seen)
    assert decide(seen, NOW, matches, under, Terms(PolicySettings(), (waiver,))).action is action


def test_every_match_is_kept_as_evidence_winner_first() -> None:
    seen = Observation(Stage.DNS, Device("phone", "Phone"), ("www.evil.example",))
    given = "f1 block www.evil.example; f2 allow evil.example; f2 warn evil.example; custom audit example; "
    verdict = decide(seen, NOW, *met(given + "custom allow evil.example", seen), Terms(PolicySettings()))
    assert [(match.indicator.origin.source, match.action) for match in verdict.matches] == [
        ("custom", Action.ALLOW),
        ("custom", Action.AUDIT),
        ("f1", Action.BLOCK),
        ("f2", Action.ALLOW),
        ("f2", Action.WARN),
    ]


def test_the_more_severe_of_two_feeds_wins_at_equal_strength() -> None:
    seen = Observation(Stage.DNS, Device("phone", "Phone"), ("evil.example",))
    matches, _ = met("f1 block evil.example; f2 block evil.example", seen)
    severe = replace(matches[1], indicator=replace(matches[1].indicator, severity="high", category=Category.MALWARE))
    verdict = decide(seen, NOW, [matches[0], severe], [], Terms(PolicySettings()))
    assert verdict.category is Category.MALWARE


def test_always_inspected_is_said_only_where_inspection_could_change_something() -> None:
    seen = Observation(Stage.TLS, Device("phone", "Phone"), ("good.example",), reach=Visibility.SNI)
    given = "f1 block good.example/bad always"
    assert decide(seen, NOW, *met(given, seen), Terms(PolicySettings())).always_inspect
    allowed = decide(seen, NOW, *met(given + "; custom allow good.example", seen), Terms(PolicySettings()))
    assert not allowed.always_inspect


@pytest.mark.parametrize("stage", [Stage.HTTP, Stage.DOWNLOAD, Stage.SERVER_CERT])
def test_where_the_url_was_seen_it_is_not_asked_for_again(stage: Stage) -> None:
    before = Observation(Stage.TLS, Device("phone", "Phone"), ("good.example",))
    _, under = met("f1 block good.example/bad", before)
    assert decide(before, NOW, [], under, Terms(PolicySettings())).needs is Visibility.URL
    assert decide(replace(before, stage=stage), NOW, [], under, Terms(PolicySettings())) is CLEAN


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("paused", [None, NOW + timedelta(hours=1)], ids=["running", "paused"])
def test_the_short_way_of_a_lone_block_says_what_the_long_way_says(
    stage: Stage, mode: Mode, paused: datetime | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = Terms(PolicySettings(mode=mode, bodies=True), paused_until=paused)
    origins = [Origin("feed", False, "feed", 3), Origin("custom", True, "config.yaml", 3)]
    fields: list[dict[str, object]] = [
        {},
        {"generate_alert": False},
        {"always_inspect": True},
        {"expiration": NOW},
        {"expiration": NOW + timedelta(days=1)},
        {"device_groups": frozenset({"elsewhere"})},
    ]
    for origin in origins:
        for action in Action:
            for more in fields:
                one = Indicator("evil.example", IndicatorType.DOMAIN, action, origin, **more)  # type: ignore[arg-type]
                seen = Observation(stage, Device("d", "d"), hosts=("www.evil.example",))
                matches = MemoryIndex([one]).on_host("www.evil.example")
                short = decide(seen, NOW, matches, (), terms)
                with monkeypatch.context() as patch:
                    patch.setattr("indicators.decide._is_plain_block", lambda match, terms: False)
                    assert decide(seen, NOW, matches, (), terms) == short


REWRITER, BLOCKER = Origin("safe-search", False, "safe-search", 2), Origin("malware", False, "malware", 9)


def rewritten(target: str, line: int = 2, value: str = "search.example") -> Match:
    one = Indicator(value, IndicatorType.DOMAIN, Action.BLOCK, replace(REWRITER, line=line), generate_alert=False)
    return Match(one, value, Scope.EXACT_HOST, 2, Action.BLOCK, rewrite=target)


@pytest.mark.parametrize(
    ("stage", "action", "rewrite"),
    [
        (Stage.DNS, Action.BLOCK, ("192.0.2.1", "2001:db8::1")),
        (Stage.CONNECTION, Action.ALLOW, ()),
        (Stage.TLS, Action.ALLOW, ()),
        (Stage.HTTP, Action.ALLOW, ()),
    ],
)
def test_an_allowed_rewrite_is_answered_by_dns_and_let_pass_later(
    stage: Stage, action: Action, rewrite: tuple[str, ...]
) -> None:
    matches = [rewritten("192.0.2.1"), rewritten("2001:db8::1", 3)]
    seen = Observation(stage, Device("d", "d"), hosts=("search.example",))
    verdict = decide(seen, NOW, matches, (), Terms(PolicySettings()))
    assert (verdict.action, verdict.rewrite, verdict.alert, verdict.would) == (action, rewrite, False, None)
    assert ("sends this name elsewhere" in verdict.reason) is (stage is not Stage.DNS)


def test_a_block_outranks_a_rewrite_and_audit_mode_rewrites_nothing() -> None:
    block = Indicator("search.example", IndicatorType.DOMAIN, Action.BLOCK, BLOCKER)
    matches = [rewritten("192.0.2.1"), Match(block, "search.example", Scope.EXACT_HOST, 2, Action.BLOCK)]
    seen = Observation(Stage.DNS, Device("d", "d"), hosts=("search.example",))
    verdict = decide(seen, NOW, matches, (), Terms(PolicySettings()))
    assert (verdict.action, verdict.winner, verdict.rewrite) == (Action.BLOCK, block, ())
    audited = decide(seen, NOW, [rewritten("192.0.2.1")], (), Terms(PolicySettings(mode=Mode.AUDIT)))
    assert (audited.action, audited.would, audited.rewrite) == (Action.ALLOW, Action.BLOCK, ())
