# The commands of this repository.  They need Python >= 3.11 and nothing else; `make up` is the first one to try.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := up
.PHONY: up down status test lint bench lock pictures messages venv

PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
PY := $(BIN)/python
STAMP := .venv/.installed
# The tests' own environment and database, so that no check reads or starts the one behind `make up`.
TESTED := $(PY) -m tests.environment
# More arguments for pytest, e.g. `make test T="tests/core -x"`, and how many processes share the tests (0: this one);
# a module for `make bench`, e.g. `make bench B=board`.
T ?=
N ?= 2
B ?=

# Prints how long a step took; the step's failure is make's.
step = @TIMEFORMAT='%1R s  $(1)'; time $(2)

up: $(STAMP)
	@exec $(PY) -m mfgos.supervisor up

down:
	@if [ -x $(PY) ]; then exec $(PY) -m mfgos.supervisor down; fi

status: $(STAMP)
	@exec $(PY) -m mfgos.supervisor status

test: lint
	$(call step,pytest,$(PY) -m pytest -n $(N) --durations=5 $(T))

lint: $(STAMP)
	$(call step,ruff check,$(BIN)/ruff check -q .)
	$(call step,ruff format,$(BIN)/ruff format -q --check .)
	$(call step,mypy,$(BIN)/mypy --no-error-summary)
	$(call step,import rules,{ said=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$said"; exit 1; }; })
	$(call step,migrations complete,$(TESTED) $(PY) manage.py makemigrations --check --dry-run -v 1)
	$(call step,system checks,$(TESTED) $(PY) manage.py check)
	$(call step,system checks for production,{ set -a; . tests/deploy.env; $(PY) manage.py check --deploy --fail-level WARNING; })
	@if [ -f openapi.yaml ]; then \
		$(TESTED) $(PY) manage.py spectacular --validate --fail-on-warn | cmp - openapi.yaml; fi

bench: $(STAMP)
	@exec $(PY) -m tests.bench $(B)

pictures: $(STAMP)
	@exec $(PY) -m tests.pictures

# Sentences that are new or gone into locale/de, and its German into the file that the product reads.
messages: $(STAMP)
	@exec $(TESTED) $(PY) -m tests.messages

# Keeps the versions that are locked already; takes up what pyproject.toml has new.
lock: $(STAMP)
	@exec $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		pyproject.toml --extra embedded --group dev -o requirements.lock

venv: $(STAMP)

# The stamp is a copy of the lock: a checkout that only touched the file installs nothing.
$(STAMP): requirements.lock
	@[ -n "$(PYTHON)" ] || { echo "mfgos needs Python 3.11 or newer: install it, or name it with make PYTHON=..." >&2; exit 1; }
	@[ -x $(PY) ] || "$(PYTHON)" -m venv .venv
	@cmp -s requirements.lock $@ || { echo "Installing packages into .venv (once, about half a minute)."; \
		$(PY) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock; }
	@cp requirements.lock $@
