# The ways in. Each target does all the set-up it needs by itself: scripts/setup.sh makes what is missing and re-uses
# the rest. Arguments for the command behind a target go into ARGS: make test ARGS="-k broker". make turns every
# failure into exit code 2; the harness's own last line, VERDICT: …, says what it was.

BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup reproduce-incident profile memory-regression test lint bench verify mutants mutation
.PHONY: ledger-histories doctor test-parts lock clean

help: ## list the targets
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "make %-20s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv, install RabbitMQ (as root), build Toxiproxy; re-uses what is there
	@bash scripts/setup.sh

reproduce-incident: setup ## replay the 11:42 incident, before and after the fix: ARGS="--profile"
	@$(BIN)/harness reproduce $(ARGS)

profile: setup ## replay the incident, then both arms again under memray: what held the memory, flame graphs
	@$(BIN)/harness reproduce --profile $(ARGS)

test: test-parts lint ## install what tests need (as root), every check, then every test: ARGS="-k broker"
	@bash scripts/test.sh $(ARGS)

lint: setup ## run the static checks: ruff, mypy, import contracts
	@echo "lint: ruff check"
	@$(BIN)/ruff check
	@echo "lint: ruff format --check"
	@$(BIN)/ruff format --check
	@echo "lint: mypy"
	@$(BIN)/mypy
	@echo "lint: lint-imports"
	@$(BIN)/lint-imports

bench: setup ## measure what the harness itself costs: ARGS=…
	@$(BIN)/harness bench $(ARGS)

verify: setup ## play every scenario against every arm and print the matrix; resumable: ARGS="--quick"
	@$(BIN)/harness verify $(ARGS)

memory-regression: setup ## does this tree's worker need more memory than it did?: ARGS="--against v1.2"
	@$(BIN)/harness gate $(ARGS)

mutants: setup ## play deliberately broken workers, and say which check caught each: ARGS="keeps_futures"
	@$(BIN)/python -m tests.mutants $(ARGS)

mutation: setup ## change the source and run the unit tests; list what none of them noticed: ARGS="ledger --minutes 10"
	@$(BIN)/python -m tests.mutation $(ARGS)

ledger-histories: setup ## try the ledger on 10,000 generated histories of each kind: minutes
	@LEDGER_HISTORIES=10000 $(BIN)/python -m pytest tests/unit/test_ledger_histories.py --timeout 1800 \
		--durations 6 $(ARGS)

doctor: setup ## say which parts are here, and what to do about those that are not
	@$(BIN)/harness doctor $(ARGS)

test-parts: ## install what tests need (as root): RabbitMQ, Chromium, PostgreSQL, a Docker engine
	@bash scripts/test_parts.sh

lock: setup ## compile requirements.lock again from pyproject.toml; keeps the pins that still fit: ARGS="--upgrade"
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --all-extras --quiet $(ARGS) \
		pyproject.toml -o requirements.lock

clean: ## remove what set-up and checks made; runs/ is kept
	@mkdir -p .tools
	@flock .tools/setup.lock rm -rf .venv build *.egg-info .tools/log .tools/toxiproxy-* \
		.mypy_cache .ruff_cache .import_linter_cache .hypothesis
