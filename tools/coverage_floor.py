"""Fail when a file of the rooms has less branch coverage than the floor: `coverage_floor.py PERCENT`.

An average hides the one file that nobody tests, so each file is held to the floor by itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main(floor: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)], check=True)  # noqa: S603
        files = json.loads(report.read_text())["files"]
    below = {name: file["summary"]["percent_covered"] for name, file in files.items()}
    below = {name: percent for name, percent in sorted(below.items()) if percent < floor}
    for name, percent in below.items():
        missing = ", ".join(f"{a}->{b}" for a, b in files[name]["missing_branches"][:8])
        lines = ", ".join(map(str, files[name]["missing_lines"][:20]))
        print(f"{name}: {percent:.1f} % covered, floor {floor:g} %; lines {lines or '-'}; branches {missing or '-'}")
    print(f"coverage: {len(files)} files, {len(below)} below {floor:g} %")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
