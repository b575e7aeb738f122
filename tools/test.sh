#!/bin/sh
# The test run: style, types, the import rule, the suite, and branch coverage of at least 90 % in every file of the rooms.
# With --heavy: the tests that need minutes or system packages instead; with --soak: those that need many minutes.
# Skipped tests are listed with their reason.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in
  --heavy | --soak)
    tier=${1#--}
    shift
    exec .venv/bin/python tools/suite.py -m "$tier" --timeout=600 "$@"
    ;;
esac
tools/lint.sh
rm -f .coverage .coverage.*
.venv/bin/python tools/suite.py -m "not heavy and not soak" -n "${SEAWALL_TEST_JOBS:-2}" --cov --cov-report=
.venv/bin/python tools/coverage_floor.py 90
