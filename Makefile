# Needs Python 3.11 or newer (with venv) and make; everything else comes from the lock.
# `make help` prints the targets and variables below: each needs its `##` comment.
PYTHON ?= python3## the Python that .venv is made with, 3.11 or newer
# Most tests wait rather than compute, so there may be more of them at once than cores.
WORKERS ?= 6## how many tests run at the same time
COVERAGE ?=## COVERAGE=1: measure as well which lines the tests reach (half as long again); fail below 95 %
QUICK ?=## QUICK=1: a bench of one minute instead of a quarter of an hour
HEIC ?=## HEIC=1: `make install` also installs what copies HEIC pictures as JPEG
BIN := .venv/bin
# --no-deps: the lock names everything. An old pip (23.2 comes with Python 3.11) would otherwise look for
# `coverage[toml]` again, find a release newer than the locked one, and refuse it for having no hash.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes
export PYTHONDONTWRITEBYTECODE = 1

.PHONY: help install run demo tour setup test chaos bench check audit lock emoji notices clean

help: ## this list
	@echo "Targets:"
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 15
	@echo "Variables (make test WORKERS=2):"
	@sed -nE 's/^([A-Z]+) \?= ?([^#]*)## (.*)/  \1=\2\t\3/p' Makefile | expand -t 18

.venv/run-ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Bluethread needs Python 3.11 or newer, this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what the bot needs (once) ..."
	@$(PIP) -r requirements.txt
	@$(BIN)/python -m pip --quiet check
	@touch $@

.venv/heic-ready: requirements-heic.txt .venv/run-ready
	@$(PIP) -r requirements-heic.txt
	@$(BIN)/python -m pip --quiet check
	@touch $@

.venv/dev-ready: requirements-dev.txt .venv/run-ready
	@echo "Installing what the tests need (once) ..."
	@$(PIP) -r requirements-dev.txt
	@$(BIN)/python -m pip --quiet check
	@touch $@

install: .venv/run-ready $(if $(HEIC),.venv/heic-ready) ## .venv with what the bot needs and nothing else

run: .venv/run-ready ## start the bot with the settings in .env
	@$(BIN)/python -m bot serve

setup: .venv/dev-ready ## .venv with what tests and checks need as well

demo: .venv/run-ready ## try it in your browser: the real bot, a simulated Slack, a simulated phone
	@$(BIN)/python -m sandbox

tour: .venv/run-ready ## the same without a browser: a scripted tour with a transcript
	@$(BIN)/python -m sandbox --script

# The first step leaves all tests compiled for the others, each of which would need ten seconds to do it.
test: export PYTHONDONTWRITEBYTECODE =
test: export PYTHONPYCACHEPREFIX = $(CURDIR)/.venv/compiled
test: .venv/dev-ready ## every test
	$(BIN)/python -m pytest -m alone $(if $(COVERAGE),--cov --cov-report= --cov-fail-under=0)
	$(BIN)/python -m pytest -m "not alone" --numprocesses $(WORKERS) --dist worksteal \
	    $(if $(COVERAGE),--cov --cov-append --cov-report term)

chaos: .venv/dev-ready ## a long run of random kills and simulated faults
	CHAOS=long $(BIN)/python -m pytest tests/chaos --numprocesses $(WORKERS)

bench: .venv/dev-ready ## measure speed and memory
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick,--write)

check: .venv/dev-ready ## linters, types, architecture, known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory audit

# Known vulnerabilities of what production installs. pip-audit ends with 0 and looks green where no advisory service
# answers. Here that is one line at a desk, and a block that nobody overlooks where CI is set. It still ends with 0,
# since a machine may have no network.
audit: .venv/dev-ready ## known vulnerabilities of what the bot installs
	@$(BIN)/pip-audit --disable-pip --require-hashes --progress-spinner off --timeout 5 -r requirements.txt -r requirements-heic.txt >.audit 2>&1; code=$$?; \
	if grep -q '^Found ' .audit; then cat .audit; rm .audit; exit 1; fi; \
	if [ $$code -ne 0 ] || grep -q 'could not be audited' .audit; then \
	    unanswered="$$(grep -c 'could not be audited' .audit) packages unanswered"; \
	    if [ -n "$$CI" ]; then \
	        echo "!!!"; \
	        echo "!!! NOT AUDITED: no advisory service answered, $$unanswered."; \
	        echo "!!! Nobody has looked for known vulnerabilities in requirements.txt in this run."; \
	        echo "!!! Run \`make audit\` on a machine that reaches pypi.org before you release."; \
	        echo "!!!"; \
	    else echo "!!! SKIPPED pip-audit: no advisory service answered, $$unanswered"; fi; \
	else tail -n 1 .audit; fi; rm -f .audit

lock: .venv/dev-ready ## renew the lock files
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade --group heic -c requirements.txt -o requirements-heic.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade --group dev pyproject.toml -c requirements.txt -c requirements-heic.txt -o requirements-dev.txt

emoji: ## renew the table of Slack's emoji names (needs npm)
	@folder=$$(mktemp -d) && cd $$folder && npm pack --silent emoji-datasource >/dev/null && tar -xzf emoji-datasource-*.tgz \
	    && cd $(CURDIR) && $(PYTHON) .ci/emoji_names.py $$folder/package; code=$$?; rm -rf $$folder; exit $$code

notices: .venv/dev-ready ## renew THIRD-PARTY-NOTICES.md, after `make lock` or `make emoji`
	@$(BIN)/python .ci/notices.py

clean: ## remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
