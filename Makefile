SHELL := /bin/bash
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-readers check bench chaos chaos-mutants simulate recovery soak clean distclean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

setup:  ## .venv, packages, Java, Kafka's jars, compiled kernels; nothing twice
	@deploy/setup.sh

demo: setup  ## the whole pipeline on this machine, for about a minute
	@$(BIN)/kinebus demo

test: setup  ## all tests, against a real Kafka
	@$(BIN)/python -m pytest -v

test-readers: setup  ## lerobot and graders on our data sets; installs them apart (8 GB, minutes)
	@tests/readers/setup.sh
	@$(BIN)/python -m pytest -v tests/readers

check: setup  ## lint, format, types, import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

SEED ?= 1
SEEDS ?= 1
KILLS ?= 50
PACE ?= 0.8
RATE ?= 800
chaos: setup  ## kill everything under load, then audit; a campaign: SEEDS=10 KILLS=60
	@$(BIN)/python -m tests.chaos.simulate --seeds 0:2000 --jobs $$(nproc)
	@$(BIN)/python -m tests.chaos.hostile --count 20000
	@$(BIN)/python -m tests.chaos.run --seed $(SEED) --seeds $(SEEDS) --kills $(KILLS) \
		--pace $(PACE) --frames-per-second $(RATE)

SIMULATED ?= 0:50000
simulate: setup  ## seeds of the simulation: SIMULATED=first:stop
	@$(BIN)/python -m tests.chaos.simulate --seeds $(SIMULATED) --jobs $$(nproc)

chaos-mutants: setup  ## one-line mistakes, each of which the tests must catch
	@$(BIN)/python -m tests.chaos.mutants

recovery: setup  ## how soon frames flow again after a kill of each process
	@$(BIN)/python -m tests.bench.recovery

MINUTES ?= 30
soak: setup  ## memory of every process at 10,000 frames/s
	@$(BIN)/python -m tests.bench.soak --minutes $(MINUTES)

bench: setup  ## the benchmarks, as JSON
	@$(BIN)/kinebus bench body --json
	@$(BIN)/kinebus bench pipeline --json

clean:  ## remove local data, builds and tools' caches; stop the stack first
	rm -rf .kinebus build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean  ## and .venv and downloads, too
	rm -rf .venv .cache
