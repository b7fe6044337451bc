# Each target does all of its own set-up on a fresh machine and can be run again at any time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

.PHONY: demo test long soak check audit lock clean

demo: $(RUNTIME)  ## the whole pipeline on a simulated market, offline, without a token
	$(BIN)/python bot.py demo

test: $(DEV)  ## the unit tests
	$(BIN)/python -c "from engine.compiled import load; load()"  # once, instead of in every worker
	$(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile tests

long: $(DEV)  ## crash, soak and big-data suites in full
	ONEBOOK_LONG=full $(BIN)/python -m pytest -m long tests --timeout 3600

soak: $(DEV)  ## a simulated month of 50 pairs with a failing exchange and Telegram, about an hour; writes docs/soak.md
	$(BIN)/python -m tests.soak.run --days 30 --symbols 50 --write docs/soak.md

check: $(DEV)  ## style, types and the import rule
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

audit: $(DEV)  ## known vulnerabilities in the packages of the lock files (needs the advisory service)
	$(BIN)/python .ci/audit.py requirements.lock requirements-dev.lock

lock: $(DEV)  ## write the lock files anew from pyproject.toml (needs the package registry)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra dashboard pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra dev --extra dashboard pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Onebook needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

$(DEV): requirements-dev.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@
	touch $(RUNTIME)
