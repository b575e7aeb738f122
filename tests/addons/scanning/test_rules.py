"""YARA rules are compiled with errors that name the file, and found in members."""

from __future__ import annotations

from pathlib import Path

import pytest

from addons import harmless
from addons.scanning.report import Engine, Finding, Weight
from addons.scanning.rules import RulesError, YaraRules, rule_files

RULE = 'rule test_file { meta: description = "the test file" strings: $a = "EICAR-STANDARD" condition: $a }'
MILD = 'rule mild { meta: weight = "suspicious" strings: $a = "ANTIVIRUS" condition: $a }'
SLOW = "rule slow { condition: for all i in (0..10000000000) : (uint8(i % filesize) != 300) }"


def test_a_match_names_rule_place_and_weight() -> None:
    found = list(YaraRules([("a.yar", RULE), ("b.yar", MILD)]).matches("f/eicar.com", harmless.EICAR, 5))
    assert found == [
        Finding(Engine.YARA, "test_file", "f/eicar.com", Weight.MALWARE, "the test file"),
        Finding(Engine.YARA, "mild", "f/eicar.com", Weight.SUSPICIOUS, "rule mild"),
    ]
    assert list(YaraRules([("a.yar", RULE)]).matches("f", b"harmless", 5)) == []


def test_two_files_may_use_one_name() -> None:
    both = YaraRules([("a.yar", RULE), ("b.yar", RULE)])
    assert len(list(both.matches("f", harmless.EICAR, 5))) == 2


def test_a_rule_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(TimeoutError, match="longer than 1 s"):
        list(YaraRules([("slow.yar", SLOW)]).matches("f", b"x" * 100, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [("rule broken {", "bad.yar: "), ('include "other.yar"', "bad.yar: ")],
    ids=["syntax", "include"],
)
def test_a_rule_that_cannot_be_used_names_its_file(text: str, said: str) -> None:
    with pytest.raises(RulesError, match=said):
        YaraRules([("bad.yar", text)])


def test_rules_are_read_from_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "b.yara").write_text(MILD)
    (tmp_path / "a.yar").write_text(RULE)
    (tmp_path / "notes.txt").write_text("no rule")
    assert rule_files([tmp_path]) == (("a.yar", RULE), ("b.yara", MILD))
    assert rule_files([tmp_path / "a.yar"]) == (("a.yar", RULE),)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yar").write_bytes(b"\xff\xfe")
    with pytest.raises(RulesError, match=r"bad\.yar: it is not UTF-8"):
        rule_files([tmp_path])
    with pytest.raises(RulesError, match=r"none\.yar: No such file"):
        rule_files([tmp_path / "none.yar"])
