"""The design's import rule and the tidiness of the tree, held by the test run itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("indicators", "addons", "collector", "proxy")


def sources() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def test_imports_go_one_way() -> None:
    run = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_says_its_duty_first(path: Path) -> None:
    text = path.read_text()
    assert not text.strip() or text.startswith('"""'), "a file begins with what it is for"


def test_no_module_is_named_after_nothing_in_particular() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
    assert [path for path in sources() if path.stem in vague] == []


def test_no_committed_file_names_a_machine_path_or_a_package_host() -> None:
    hosts = "|".join(["python" + "hosted", "npm" + "js", "deb." + "debian"])
    bad = re.compile(rf"/roo[t]/|/wor[k]/|{hosts}")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".gz", ".bin"}:
            text = path.read_text(errors="replace")
            found += [f"{name}: {match[0]}" for match in bad.finditer(text)]
    assert found == []


def test_locked_dependencies_hold_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "http://" not in lock
    assert "https://" not in lock
    pinned = re.findall(r"^[A-Za-z0-9_.\-]+(?:\[[^\]]*\])?==", lock, re.M)
    assert len(pinned) > 50
    assert lock.count("--hash=sha256:") >= len(pinned)
