# Every target does its own set-up; a second run finds it done. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export NUMBA_CACHE_DIR := $(CURDIR)/.numba_cache

ORDERS ?=
SEEDS ?= 20000

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: run-env dev-env node-env
run-env:
	@python3 scripts/bootstrap.py run
dev-env:
	@python3 scripts/bootstrap.py dev
node-env:
	@python3 scripts/bootstrap.py node

.PHONY: demo
demo: run-env ## The main job: trade, certify, settle, report, verify, attack (ORDERS=file for a real day)
	@provenue demo $(if $(ORDERS),--orders $(ORDERS))

.PHONY: devnet
devnet: run-env ## Keep a local venue running until Ctrl-C; the next start goes on where it stopped
	@provenue devnet

.PHONY: bench
bench: run-env ## Measure: one JSON object a line
	@provenue bench

.PHONY: test
test: lint types contracts-check contracts-test kernels-plain kernels-bounds unit ## Everything that CI runs

.PHONY: lint
lint: dev-env ## Style
	ruff check .
	ruff format --check .

.PHONY: types
types: dev-env ## Types and import contracts
	mypy
	lint-imports

.PHONY: unit
unit: dev-env ## The test suite, kernels compiled
	pytest -q -n 2 --dist worksteal tests

KERNEL_TESTS := tests/matching tests/engine

.PHONY: kernels-plain
kernels-plain: dev-env ## Kernels as plain Python
	NUMBA_DISABLE_JIT=1 pytest -q -n 2 $(KERNEL_TESTS)

.PHONY: kernels-bounds
kernels-bounds: dev-env ## Kernels with every index checked
	NUMBA_BOUNDSCHECK=1 pytest -q -n 2 $(KERNEL_TESTS)

.PHONY: model-long
model-long: dev-env ## Long lane: the engine against its reference on SEEDS random streams
	PROVENUE_SEEDS=$(SEEDS) pytest -q -n 2 tests/engine/test_equivalence.py

CONTRACTS := python scripts/contracts.py

.PHONY: contracts
contracts: dev-env node-env ## Compile the contracts into contracts/artifacts
	$(CONTRACTS) install build

.PHONY: contracts-check
contracts-check: dev-env node-env ## Compile, and compare with contracts/artifacts byte for byte
	$(CONTRACTS) install check

.PHONY: contracts-test
contracts-test: dev-env node-env ## forge (unit, fuzz, invariants) and ape
	$(CONTRACTS) install test

.PHONY: contracts-long
contracts-long: dev-env node-env ## Long lane: forge with 10,000 fuzz runs
	$(CONTRACTS) install forge-long

.PHONY: lock
lock: ## Resolve requirements/*.in again (needs uv)
	cd requirements && for lane in dev node; do uv pip compile $$lane.in --quiet --universal \
	  --python-version 3.11 --generate-hashes --no-annotate --no-header -o $$lane.lock; done
	cd requirements && uv pip compile run.in --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header -c dev.lock -o run.lock

.PHONY: clean
clean: ## Remove what the targets made, the environment included
	rm -rf .venv .numba_cache .build var contracts/node_modules contracts/out contracts/cache
