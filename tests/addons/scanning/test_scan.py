"""A scan reports what each engine found, the gravest first, and what it did not look into."""

from __future__ import annotations

import gzip
import json
import random
from hashlib import md5, sha1, sha256
from itertools import count

import pytest

from addons import harmless
from addons.scanning.clamd import Clamd
from addons.scanning.limits import MIB, Limits
from addons.scanning.report import Engine, Package, ScanReport, Weight, report_of
from addons.scanning.rules import YaraRules
from addons.scanning.scan import FileScan

RULES = YaraRules([("a.yar", 'rule test_file { strings: $a = "EICAR-STANDARD" condition: $a }')])
SLOW = YaraRules([("s.yar", "rule slow { condition: for all i in (0..10000000000) : (uint8(i % filesize) != 300) }")])
BANKER = ("android.permission.READ_SMS", "android.permission.BIND_ACCESSIBILITY_SERVICE")


def test_an_app_is_looked_into_and_described() -> None:
    data = harmless.package(permissions=BANKER)
    report = FileScan(Limits(), RULES).scan("app.apk", data)
    assert report.kind == "Android package"
    assert report.packages == (Package(harmless.PACKAGE, "1.0", tuple(sorted(BANKER))),)
    assert [(one.engine, one.name, one.path, one.weight) for one in report.findings] == [
        (Engine.YARA, "test_file", "app.apk/assets/eicar.com", Weight.MALWARE),
        (Engine.APK, "banker permissions", "app.apk", Weight.SUSPICIOUS),
    ]
    assert report.complete


def test_each_member_is_hashed_strongest_first() -> None:
    report = FileScan(Limits()).scan("eicar.zip", harmless.zipped())
    assert list(report.hashes) == [digest(harmless.EICAR).hexdigest() for digest in (sha256, sha1, md5)]


def test_a_long_member_has_no_weak_hashes() -> None:
    long = random.Random(1).randbytes(9 * MIB)
    report = FileScan(Limits()).scan("long.gz", gzip.compress(long))
    assert list(report.hashes) == [sha256(long).hexdigest()]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (gzip.compress(bytes(9 * MIB)), "archive bomb"),
        (b"Rar!\x1a\x07\x01\x00", "archive that cannot be opened here"),
        (harmless.package(extra={"AndroidManifest.xml": b"?"}), "unreadable manifest"),
    ],
    ids=["bomb", "rar", "manifest"],
)
def test_what_cannot_be_looked_into_is_a_finding(data: bytes, name: str) -> None:
    report = FileScan(Limits(ratio=10)).scan("f", data)
    assert [(one.name, one.weight) for one in report.findings] == [(name, Weight.OPAQUE)]
    assert not report.complete


def test_time_ends_a_scan_and_is_said() -> None:
    clock = count(0, 0.75)
    report = FileScan(Limits(seconds=2), RULES).scan("eicar.zip", harmless.zipped(), lambda: next(clock))
    assert report.failures == ("time limit: the file was not looked into to its end",)
    assert not report.complete


def test_a_slow_rule_fails_alone() -> None:
    report = FileScan(Limits(seconds=1), SLOW).scan("f", b"data")
    assert report.failures == ("yara: the rules took longer than 1 s",)
    assert not report.findings


def test_a_daemon_that_is_not_there_fails_alone() -> None:
    report = FileScan(Limits(), RULES, Clamd("/nowhere/clamd.ctl")).scan("f", harmless.EICAR)
    assert report.failures == ("clamd at /nowhere/clamd.ctl: No such file or directory",)
    assert [one.name for one in report.findings] == ["test_file"]


def test_a_report_crosses_as_json() -> None:
    report = FileScan(Limits(), RULES).scan("f", harmless.package(permissions=BANKER))
    back = report_of(json.loads(json.dumps(report.as_json())))
    assert back == report
    assert isinstance(back, ScanReport)
