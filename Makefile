# Two commands on a fresh machine: make run, make test. `make help` lists the rest.
# Debian with Python 3.11, pip and make is enough: .venv is filled by the machine's own pip, so python3-venv may be missing.

PYTHON ?= python3
VENV ?= .venv
BUILD ?= build
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AUDIT := $(BIN)/imaging-audit
EXAMPLE := $(BUILD)/example
RESULT := $(BUILD)/audit
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check --quiet --quiet

.DELETE_ON_ERROR:
.PHONY: help setup run test check vulnerabilities deep mutants bench screenshots lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY) ## make .venv with the command .venv/bin/imaging-audit

# Installs again only when what is installed would change. The lock is complete, so pip has nothing to resolve (--no-deps);
# older pips would otherwise stumble over extras, and `pip check` proves the lock whole.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { echo "pip is needed: apt-get install python3-pip" >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock (a minute or two, once)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip $(VENV)
	@$(PIP) install --no-deps --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@$(subst --quiet,,$(PIP)) check >&2
	@touch $@

# The last file that demo writes, so that half a delivery is written again.
$(EXAMPLE)/audit.toml: | $(READY)
	@$(AUDIT) demo $(EXAMPLE)

run: $(READY) $(EXAMPLE)/audit.toml ## audit the bundled synthetic example, print the headline and where the results are
	@$(AUDIT) run --extracts $(EXAMPLE) --out $(RESULT) --config $(EXAMPLE)/audit.toml

test: $(READY) ## everything that proves the labels right, in minutes
	@$(BIN)/python -m pytest -m "not deep" --numprocesses auto --dist loadfile --no-loadscope-reorder

deep: $(READY) ## the long proof: random patients, a hundred crashes, a delivery larger than memory; ends with the table of faults
	@$(BIN)/python -m pytest -m "deep or canary" --numprocesses auto --dist loadfile --no-loadscope-reorder

mutants: $(READY) ## every seeded mistake must be noticed by a test
	@$(BIN)/python -m pytest tests/test_mutants.py

# SIZE order lines, REPEAT turns, FORMATS=csv,parquet, SKIP=pandas, WITHIN=1 for less memory and fewer cores as well,
# KEEP=1 to keep the data, DRY=1 to leave docs/ alone.
bench: SIZE ?= 1000000
bench: REPEAT ?= 3
bench: FORMATS ?= csv,parquet
bench: $(READY) ## what an audit costs beside a floor and two scripts: make bench SIZE=10000000
	@$(BIN)/python -m tests.bench --folder $(BUILD)/bench --size $(SIZE) --repeat $(REPEAT) \
		--formats $(FORMATS) $(if $(SKIP),--skip $(SKIP)) $(if $(WITHIN),--within) $(if $(KEEP),--keep) $(if $(DRY),--dry)

check: $(READY) ## style of the Python, invariants of the rules, known vulnerabilities
	@$(BIN)/ruff check flows tests
	@$(AUDIT) check-rules
	@$(MAKE) --no-print-directory vulnerabilities

# Needs the network, and fails without it: a lock that nobody could look up is not known to be sound.
vulnerabilities: ## locked versions against the public list of known vulnerabilities
	@test -x $(BUILD)/vulnerabilities/bin/pip-audit || { $(PYTHON) -m venv $(BUILD)/vulnerabilities && $(BUILD)/vulnerabilities/bin/pip install --quiet pip-audit; } || { echo "Not known to be sound: pip-audit could not be fetched, so nobody was asked." >&2; exit 1; }
	@$(BUILD)/vulnerabilities/bin/pip-audit --strict --disable-pip --requirement requirements.lock || { echo "Not known to be sound: a table above names what is vulnerable; an ERROR above means that the list could not be asked, and then nothing is known." >&2; exit 1; }

screenshots: run ## the pictures of docs/ anew, from the bundled example
	@SCREENSHOTS_OF=$(RESULT) $(BIN)/python -m pytest tests/test_page.py --quiet -k pictures

LOCKS := requirements requirements-run
COMPILE = $(BUILD)/lock/bin/pip-compile --quiet --extra install --generate-hashes --no-annotate --no-header --strip-extras --allow-unsafe

lock: ## write both locks anew from pyproject.toml; UPGRADE=--upgrade takes newer versions
	@$(PYTHON) -m venv $(BUILD)/lock && $(BUILD)/lock/bin/pip install --quiet pip-tools
	@cp requirements.lock $(BUILD)/requirements.lock
	@$(COMPILE) $(UPGRADE) --extra dev --output-file $(BUILD)/requirements.lock pyproject.toml
	@# What runs, without the proof: the same versions, for pip-compile keeps what the file that it writes has pinned.
	@cp $(BUILD)/requirements.lock $(BUILD)/requirements-run.lock
	@$(COMPILE) --output-file $(BUILD)/requirements-run.lock pyproject.toml
	@# Lines that begin with -- would name where packages were found: that is each machine's own business.
	@for name in $(LOCKS); do \
		{ sed '/^[^#]/,$$d' $$name.lock; grep -v -e '^#' -e '^--' -e '^$$' $(BUILD)/$$name.lock; } > $(BUILD)/headed.lock && \
		mv $(BUILD)/headed.lock $$name.lock || exit 1; done

clean: ## remove build/, keep .venv
	@rm -rf $(BUILD)
