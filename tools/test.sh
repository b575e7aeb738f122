#!/bin/sh
# The test run: style, types, the import rule, the suite, and branch coverage of at least 90 % in every file of the rooms.
# With --heavy: the tests that need minutes or system packages instead. Skipped tests are listed with their reason.
set -eu
cd "$(dirname "$0")/.."
if [ "${1:-}" = --heavy ]; then
  exec .venv/bin/python -m pytest -m heavy -rsfE --timeout=600
fi
tools/lint.sh
rm -f .coverage .coverage.*
.venv/bin/python -m pytest -m "not heavy" -n "${SEAWALL_TEST_JOBS:-2}" -rsfE --cov --cov-report=
.venv/bin/python tools/coverage_floor.py 90
