# The product's two commands are `make run` and `make test`; the rest serves those who work on it.
.PHONY: run test test-heavy test-soak bench setup lock lint format clean help
CONFIG ?= config.yaml

help:           ## say what each target does
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

run: setup      ## set up everything and start the gateway
	@.venv/bin/seawall run --config $(CONFIG)

test: setup     ## set up everything and run the checks and the test suite
	@tools/test.sh

test-heavy: setup ## Chromium, guest and namespace tests (minutes; needs system packages, see .ci/packages)
	@tools/test.sh --heavy

test-soak: setup ## seeded mistakes, fifty kills, accuracy over all feeds (about an hour; before a release)
	@tools/test.sh --soak

bench: setup    ## measure us and the peers side by side; see benchmarks/README.md
	@.venv/bin/python -m benchmarks

setup:          ## install only
	@tools/setup.sh

lock:           ## resolve the dependencies anew into requirements.lock (names, versions, hashes; no addresses)
	uv pip compile --universal --python-version 3.12 --generate-hashes --group dev --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet pyproject.toml -o requirements.lock

lint: setup     ## ruff, mypy and the import rule
	@tools/lint.sh

format: setup   ## lay the code out
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix --quiet .

clean:          ## remove what setup and the tests made
	rm -rf .venv .uv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
