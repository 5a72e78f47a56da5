SHELL := /bin/bash
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench clean distclean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup:  ## .venv, packages, Java, Kafka's jars, compiled kernels; nothing twice
	@deploy/setup.sh

demo: setup  ## the whole pipeline on this machine, for about a minute
	@$(BIN)/kinebus demo

test: setup  ## all tests, against a real Kafka
	@$(BIN)/python -m pytest -v

check: setup  ## lint, format, types, import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## the benchmarks, as JSON
	@$(BIN)/kinebus bench body --json
	@$(BIN)/kinebus bench pipeline --json

clean:  ## remove local data, builds and tools' caches; stop the stack first
	rm -rf .kinebus build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean  ## and .venv and downloads, too
	rm -rf .venv .cache
