#!/bin/sh
# Makes .venv from requirements.lock with a Python of 3.12 or newer, whatever `python3` is. Never touches the system's Python.
# uv is taken from PATH, else put into a private venv (.uv). Runs again only when the lock, the project file or the Python changed.
set -eu
cd "$(dirname "$0")/.."
UV_VERSION="uv>=0.9,<1"

say() { printf '%s\n' "$*" >&2; }
new_enough() { "$1" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1; }

# Candidates, best first: the version this project is tested with, then any that will do; last, those that pyenv keeps aside.
candidates() {
  [ -n "${SEAWALL_PYTHON:-}" ] && printf '%s\n' "$SEAWALL_PYTHON"
  for name in python3.13 python3.14 python3.12 python3 python; do command -v "$name" || true; done
  pyenv=$(command -v pyenv || true)
  for root in "${PYENV_ROOT:-}" "${HOME:-}/.pyenv" "${pyenv%/*/*}"; do
    [ -d "$root/versions" ] || continue
    for minor in 13 14 12; do for exe in "$root"/versions/3."$minor"*/bin/python3; do [ -x "$exe" ] && printf '%s\n' "$exe"; done; done
  done
  return 0
}

find_python() {
  candidates | while read -r exe; do new_enough "$exe" && { "$exe" -c 'import sys; print(sys.executable)'; break; }; done
}

find_uv() {
  if command -v uv >/dev/null 2>&1; then command -v uv; return; fi
  if [ ! -x .uv/bin/uv ]; then
    [ -n "$python" ] || return 0
    say "uv is not installed: putting it into .uv (a private environment of this checkout)"
    "$python" -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check "$UV_VERSION" >&2
  fi
  printf '%s\n' "$PWD/.uv/bin/uv"
}

python=$(find_python)
uv=$(find_uv)
if [ -z "$uv" ]; then
  say "error: Seawall needs Python 3.12 or newer (or uv, which can fetch one)."
  say "Install python3.13, or set SEAWALL_PYTHON=/path/to/python3.13, then run make again."
  exit 1
fi
# Compiled once here, whatever PYTHONDONTWRITEBYTECODE says: else each of the gateway's processes compiles all it imports.
# Where that cannot be written (a read-only checkout) all works as well, only slower.
compile_ours() { .venv/bin/python -m compileall -q addons collector indicators proxy >/dev/null || :; }
stamp=$(cat requirements.lock pyproject.toml tools/setup.sh | cksum)
if [ -x .venv/bin/seawall ] && [ "$(cat .venv/.seawall-setup 2>/dev/null)" = "$stamp" ]; then compile_ours; exit 0; fi
say "Setting up .venv with ${python:-a Python that uv provides} ..."
[ -x .venv/bin/python ] && new_enough .venv/bin/python || "$uv" venv --quiet --clear --python "${python:-3.13}" .venv
export VIRTUAL_ENV="$PWD/.venv"
"$uv" pip sync --quiet --compile-bytecode --require-hashes requirements.lock
"$uv" pip install --quiet --no-deps --no-build-isolation --editable .
compile_ours
printf '%s\n' "$stamp" >.venv/.seawall-setup
say "Ready: .venv/bin/seawall --help"
