"""Who may reach corporate hosts: thresholds as Defender counts, unknown devices, old news, audit mode."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from indicators.observation import Device, Observation
from indicators.overlay import DeviceRisk, Overlay
from indicators.words import Action, IdentifiedBy, Mode, OnError, Risk, Stage
from proxy.conditional_access import ConditionalAccess
from proxy.config.sections.corporate import CorporateConfig

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PHONE = Device("d1", "Phone", identified_by=IdentifiedBy.CREDENTIAL)
GUEST = Device("d2", "192.0.2.7")
RISKS = {"d1": DeviceRisk(Risk.MEDIUM, ("Malware file blocked (medium)",))}


def _access(on_error=OnError.CLOSED, mode=Mode.ENFORCE, **settings):
    return ConditionalAccess(CorporateConfig(hosts=("corp.example",), **settings), on_error, mode)


def _verdict(access, device=PHONE, host="www.corp.example", risks=RISKS, heard: datetime | None = NOW):
    overlay = Overlay(1, risks=risks, risks_as_of=heard)
    return access.verdict(Observation(Stage.TLS, device, hosts=(host,)), overlay, NOW)


@pytest.mark.parametrize(
    ("threshold", "admitted"),
    [
        ("secured", {Risk.NONE}),
        ("low", {Risk.NONE, Risk.LOW}),
        ("medium", {Risk.NONE, Risk.LOW, Risk.MEDIUM}),
        ("high", set(Risk)),
    ],
)
def test_thresholds(threshold, admitted):
    access = _access(max_risk=threshold)
    found = {risk for risk in Risk if _verdict(access, risks={"d1": DeviceRisk(risk)}) is None}
    assert found == admitted


def test_a_refusal_says_what_to_put_right_and_raises_no_alert():
    verdict = _verdict(_access())
    assert (verdict.action, verdict.final, verdict.alert, verdict.stops) == (Action.BLOCK, True, False, True)
    assert "Malware file blocked (medium)" in verdict.winner.description
    assert "put right" in verdict.winner.title
    assert verdict.winner.recommended_actions
    bare = _verdict(_access(), risks={"d1": DeviceRisk(Risk.HIGH)})
    assert "risk high" in bare.winner.description


@pytest.mark.parametrize(
    ("host", "guarded"),
    [("corp.example", True), ("a.b.corp.example", True), ("notcorp.example", False), ("corp.example.net", False)],
)
def test_hosts_and_their_subdomains_are_guarded(host, guarded):
    assert (_verdict(_access(), host=host) is not None) == guarded


def test_a_name_that_led_there_is_guarded_as_well():
    seen = Observation(Stage.DNS, PHONE, hosts=("other.example", "www.corp.example"))
    assert _access().verdict(seen, Overlay(1, risks=RISKS, risks_as_of=NOW), NOW) is not None


def test_unknown_devices_are_led_to_onboarding_unless_addresses_are_accepted():
    verdict = _verdict(_access(max_risk="high"), GUEST)
    assert (verdict.winner.educate_url, "not known" in verdict.winner.title) == ("http://seawall.internal/", True)
    assert _verdict(_access(accept_address=True), GUEST) is None


@pytest.mark.parametrize(
    ("heard", "on_error", "refused"),
    [
        (NOW - timedelta(hours=1), OnError.CLOSED, False),
        (NOW - timedelta(days=1), OnError.CLOSED, True),
        (NOW - timedelta(days=1), OnError.OPEN, False),
        (None, OnError.CLOSED, True),
        (None, OnError.OPEN, False),
    ],
)
def test_old_news_follow_on_error(heard, on_error, refused):
    assert (_verdict(_access(on_error), risks={}, heard=heard) is not None) == refused


def test_audit_mode_records():
    verdict = _verdict(_access(mode=Mode.AUDIT))
    assert (verdict.action, verdict.would, verdict.is_plain_allow) == (Action.ALLOW, Action.BLOCK, False)


def test_when_news_grow_old():
    access = _access(risk_max_age="2h")
    assert access.stale_at(Overlay(1, risks_as_of=NOW)) == NOW + timedelta(hours=2)
    assert access.stale_at(Overlay(1)) is None
    nothing = ConditionalAccess(CorporateConfig(), OnError.CLOSED, Mode.ENFORCE)
    assert not nothing.guards
    assert nothing.stale_at(Overlay(1, risks_as_of=NOW)) is None
