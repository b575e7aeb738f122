"""The configuration reaches policy and pool."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from addons import harmless
from addons.scanning.kinds import Group
from addons.scanning.outcome import ScanPolicy
from indicators.words import Action
from proxy.config.sections.scan import ScanConfig
from proxy.scanning.configured import policy_of, pool_of
from tests.proxy.scanning.test_pool import hashed


def test_defaults_are_those_of_policy() -> None:
    assert policy_of(ScanConfig()) == ScanPolicy()


def test_each_key_counts() -> None:
    config = ScanConfig(
        kinds=(Group.APK,), hold=timedelta(seconds=5), suspicious="block", bombs="allow", unreadable="warn"
    )
    assert policy_of(config) == ScanPolicy(frozenset({Group.APK}), Action.BLOCK, Action.ALLOW, Action.WARN, 5.0)


def test_scanning_that_is_off_has_no_pool(tmp_path: Path) -> None:
    assert pool_of(ScanConfig(enabled=False), tmp_path) is None


async def test_rules_and_daemon_are_used(tmp_path: Path) -> None:
    (tmp_path / "a.yar").write_text('rule found { strings: $a = "EICAR" condition: $a }')
    config = ScanConfig(rules=(tmp_path / "a.yar",), clamd=str(tmp_path / "none"))
    pool = pool_of(config, tmp_path / "scans")
    assert pool is not None
    try:
        report = await pool.scan("eicar", *hashed(harmless.EICAR))
    finally:
        await pool.close()
    assert [one.name for one in report.findings] == ["found"]
    assert "clamd at" in report.failures[0]
