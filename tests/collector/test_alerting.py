"""What an alert says: row by row. Merging is covered by `store/test_ingest.py`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.alerting import alert_id, merge, sighting_of
from indicators.event import Evidence
from indicators.observation import Device
from indicators.words import Action, Category, Enforcement, Severity, Stage
from tests.support.events import TIME, verdict

OWN = (Evidence("evil.example", "domain", Action.BLOCK, "custom", Category.CUSTOM, "evil.example"),)
INFO, LOW, MEDIUM, HIGH = Severity


@pytest.mark.parametrize(
    ("changes", "title", "severity", "category", "source"),
    [
        ({}, "Phishing site blocked", INFO, "InitialAccess", "ThirdPartySensors"),
        ({"enforcement": Enforcement.SINKHOLED}, "Phishing site blocked", INFO, "InitialAccess", "ThirdPartySensors"),
        ({"action": Action.WARN}, "Phishing site: warning shown", INFO, "InitialAccess", "ThirdPartySensors"),
        (
            {"action": Action.WARN, "enforcement": Enforcement.WAIVED},
            "Warning overridden: phishing site", LOW, "InitialAccess", "ThirdPartySensors",
        ),
        (
            {"enforcement": Enforcement.PASSED},
            "Phishing site met, not blocked", INFO, "InitialAccess", "ThirdPartySensors",
        ),
        ({"category": Category.MALWARE}, "Malware site blocked", INFO, "Malware", "ThirdPartySensors"),
        ({"severity": MEDIUM}, "Phishing site blocked", INFO, "InitialAccess", "ThirdPartySensors"),
        (
            {"severity": MEDIUM, "enforcement": Enforcement.PASSED},
            "Phishing site met, not blocked", MEDIUM, "InitialAccess", "ThirdPartySensors",
        ),
        (
            {"severity": HIGH, "action": Action.WARN, "enforcement": Enforcement.WAIVED},
            "Warning overridden: phishing site", LOW, "InitialAccess", "ThirdPartySensors",
        ),
        (
            {"category": Category.MALWARE, "stage": Stage.DOWNLOAD},
            "Malware file blocked", MEDIUM, "Malware", "ThirdPartySensors",
        ),
        (
            {"category": Category.MALWARE, "stage": Stage.DOWNLOAD, "enforcement": Enforcement.PASSED},
            "Malware file met, not blocked", MEDIUM, "Malware", "ThirdPartySensors",
        ),
        (
            {
                "category": Category.MALWARE, "stage": Stage.DOWNLOAD,
                "action": Action.WARN, "enforcement": Enforcement.WAIVED,
            },
            "Warning overridden: malware file", MEDIUM, "Malware", "ThirdPartySensors",
        ),
        (
            {"category": Category.COMMAND_AND_CONTROL, "severity": HIGH},
            "Command and control connection blocked", HIGH, "CommandAndControl", "ThirdPartySensors",
        ),
        ({"category": None, "failed": True}, "Destination blocked", INFO, "General", "ThirdPartySensors"),
        ({"title": "Mine", "severity": LOW, "matches": OWN}, "Mine", LOW, "InitialAccess", "CustomerTI"),
        (
            {"category": Category.MALWARE, "stage": Stage.DOWNLOAD, "matches": OWN},
            "Malware file blocked", INFO, "Malware", "CustomerTI",
        ),
    ],
)  # fmt: skip
def test_words(changes, title, severity, category, source):
    seen = sighting_of(verdict(**changes), TIME)
    assert seen is not None
    assert (seen.title, seen.severity, seen.category, seen.detection_source) == (title, severity, category, source)


@pytest.mark.parametrize(
    ("action", "enforcement"),
    [
        (Action.BLOCK, Enforcement.PAGE),
        (Action.BLOCK, Enforcement.SINKHOLED),
        (Action.BLOCK, Enforcement.RESET),
        (Action.WARN, Enforcement.PAGE),
        (Action.WARN, Enforcement.WAIVED),
        (Action.AUDIT, Enforcement.PASSED),
    ],
)
def test_an_indicator_of_ones_own_speaks_for_itself_whatever_its_action(action, enforcement):
    own = {"title": "Mine", "description": "Why", "recommended_actions": "Call us", "severity": HIGH, "matches": OWN}
    seen = sighting_of(verdict(action=action, enforcement=enforcement, **own), TIME)
    assert seen is not None
    assert (seen.title, seen.description, seen.recommended_actions) == ("Mine", "Why", "Call us")
    assert (seen.severity, seen.detection_source) == (HIGH, "CustomerTI")


def test_descriptions_name_device_place_and_reason():
    seen = sighting_of(verdict(), TIME)
    assert seen is not None
    assert "Mira's phone to evil.example" in seen.description
    assert "listed by test-feed" in seen.description
    bare = sighting_of(
        verdict(device=Device("d", ""), host="", addresses=(), reason="", category=None, matches=()), TIME
    )
    assert bare is not None
    assert bare.description.startswith("A connection from d to a destination without a name")
    assert (bare.threat_name, bare.recommended_actions, bare.threat_category) == ("", "", "")


def test_no_alert_where_none_is_asked_for():
    assert sighting_of(verdict(alert=False), TIME) is None


def test_ids_follow_from_device_destination_and_day():
    assert alert_id("a", "b", "c") == alert_id("a", "b", "c")
    assert (
        len({alert_id("a", "b", "c"), alert_id("a", "b", "d"), alert_id("a", "c", "c"), alert_id("b", "b", "c")}) == 4
    )


def test_ids_of_one_day_begin_alike():
    days = ["2026-11-23", "2026-11-23T12:00:00+00:00", "2026-11-24"]
    assert [alert_id("a", "b", day)[:10] for day in days] == ["al20261123", "al20261123", "al20261124"]


def test_the_most_severe_then_the_earliest_leads():
    first = sighting_of(verdict("1", title="first"), TIME)
    worse = sighting_of(verdict("2", title="worse", severity=HIGH, matches=OWN), TIME + timedelta(hours=1))
    early = sighting_of(verdict("0", title="early", severity=HIGH, matches=OWN), TIME + timedelta(minutes=1))
    assert first
    assert worse
    assert early
    merged = merge(merge(first, worse), early)
    assert (merged.title, merged.count, merged.first_event) == ("early", 3, TIME)
    assert merged.last_event == TIME + timedelta(hours=1)
