from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.event import EventKind, Evidence, VerdictEvent
from indicators.event_wire import to_json
from indicators.words import Action, Category, Enforcement, Stage
from proxy.reporting.form import evidence_of, form_of
from tests.proxy.reporting.samples import DEVICE

LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=2, max_size=20)
HOSTS = st.lists(LABELS, min_size=2, max_size=5).map(".".join)
STAMP = "2026-03-01T12:00:00.000Z"


def event(host: str, *names: str, lines: tuple[int, ...] = (), **changed: object) -> VerdictEvent:
    matches = tuple(
        Evidence(name, "domain", Action.BLOCK, '50% of "feeds" ü', Category.MALWARE, host, line=line)
        for name, line in zip(names, lines or (5,) * len(names), strict=True)
    )
    made = VerdictEvent(
        "id", EventKind.VERDICT, "id", datetime(2026, 3, 1, 12, tzinfo=UTC), "gateway-1", DEVICE,
        stage=Stage.DNS, action=Action.BLOCK, enforcement=Enforcement.SINKHOLED, alert=True,
        reason=f"{names[0] if names else host} is blocked by the feed 50% (Malware)",
        category=Category.MALWARE, host=host, matches=matches,
    )  # fmt: skip
    return replace(made, **changed)  # type: ignore[arg-type]


@given(HOSTS, HOSTS, st.lists(st.integers(1, 2**22), min_size=1, max_size=4), st.data())
def test_a_form_writes_what_the_long_way_writes(sample: str, host: str, lines: list[int], data: st.DataObject) -> None:
    """Invariant: the form of one event, filled in for another, is that other event's JSON, octet for octet."""
    names = [data.draw(st.sampled_from([host, host.partition(".")[2] or host])) for _ in lines]
    form = form_of(event(f"{sample}.zz-sample", *[f"{sample}.zz-sample"] * len(lines)))
    assert form is not None
    wanted = event(host, *names, lines=tuple(lines), id="01J", incident="01J")
    written = form.write("01J", STAMP, host, evidence_of(wanted))
    assert written.decode() == json.dumps(to_json(wanted), separators=(",", ":"), ensure_ascii=False)


@pytest.mark.parametrize(
    "odd",
    [
        event("evil.example", "evil.example", url="http://evil.example/"),
        event("evil.example", "evil.example", addresses=("192.0.2.1",)),
        event("evil.example", "evil.example", hashes=("00",)),
        event("evil.example", "evil.example", hidden=True),
        event("evil.example", "evil.example", reason="the reason speaks of something else"),
        event("evil.example", "evil.example", title="evil.example is bad"),
        event("evil.example", "evil.example", lines=(0,)),
        event("evil.example"),
        event("", "evil.example"),
        event("evil.example", "evil.example", matches=(Evidence("evil.example", "domain", Action.AUDIT, "f",
              Category.MALWARE, "evil.example", line=1, guard="evil.example is popular"),)),
        event("evil.example", "evil.example", matches=(Evidence("evil.example", "domain", Action.BLOCK, "f",
              Category.MALWARE, "another.example", line=1),)),
        event("evil.example", "evil.example/", matches=(Evidence("evil.example/", "url", Action.BLOCK, "f",
              Category.MALWARE, "evil.example", line=1),)),
    ],
    ids=["url", "address", "hash", "hidden", "reason", "title", "no line", "no match", "no host", "guard", "observable",
         "type"],
)  # fmt: skip
def test_what_differs_in_more_than_its_name_has_no_form(odd: VerdictEvent) -> None:
    assert form_of(odd) is None
