# Needs Python 3.11 or newer (with venv) and make; everything else comes from the lock.
PYTHON ?= python3
# Most tests wait rather than compute, so there may be more of them at once than cores.
WORKERS ?= 4
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
export PYTHONDONTWRITEBYTECODE = 1

.PHONY: help setup demo tour test chaos bench check audit lock clean

help:
	@echo "make demo    try it: the bot, a pretend Slack and a pretend phone in your browser"
	@echo "make tour    the same without a browser: a scripted tour with a transcript"
	@echo "make test    every test    make check   linters, types, architecture"
	@echo "make bench   measure against floors and peers (a quarter of an hour; QUICK=1: a minute)"
	@echo "make setup   .venv from the lock    make lock   renew the lock files"

.venv/run-ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Bluethread needs Python 3.11 or newer, this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what the bot needs (once) ..."
	@$(PIP) -r requirements.txt
	@touch $@

.venv/dev-ready: requirements-dev.txt .venv/run-ready
	@echo "Installing what the tests need (once) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@

setup: .venv/dev-ready

demo: .venv/run-ready
	@$(BIN)/python -m sandbox

tour: .venv/run-ready
	@$(BIN)/python -m sandbox --script

test: .venv/dev-ready
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal --cov --cov-report term

chaos: .venv/dev-ready
	CHAOS=long $(BIN)/python -m pytest tests/chaos --numprocesses $(WORKERS)

bench: .venv/dev-ready
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick,--write)

check: .venv/dev-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory audit

# Known vulnerabilities of what production installs. Where the advisory service cannot be reached it says so and goes on:
# pip-audit itself would end with 0 and look green.
audit: .venv/dev-ready
	@$(BIN)/pip-audit --disable-pip --require-hashes --progress-spinner off --timeout 5 -r requirements.txt >.audit 2>&1; code=$$?; \
	if grep -q '^Found ' .audit; then cat .audit; rm .audit; exit 1; fi; \
	if [ $$code -ne 0 ] || grep -q 'could not be audited' .audit; then \
	    echo "!!! SKIPPED pip-audit: known vulnerabilities could not be asked for, $$(grep -c 'could not be audited' .audit) packages unanswered"; \
	else tail -n 1 .audit; fi; rm -f .audit

lock: .venv/dev-ready
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade --group dev pyproject.toml -c requirements.txt -o requirements-dev.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
