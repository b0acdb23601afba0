# Everything runs in .venv. `make help` lists the targets.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
EXTRAS ?= dev

VENV := .venv
BIN := $(VENV)/bin
# A change of either file makes another stamp, and so another installation.
KEY := $(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)
INSTALLED := $(VENV)/.installed-$(KEY)-$(EXTRAS)

.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow lint types bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(INSTALLED) ## Create .venv, install everything, fetch and verify the models
	@$(BIN)/qingting models pull

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "qingting: Python 3.11 or later is needed" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	wheel=$$($(BIN)/python -m agent.llama_build) && \
	  $(BIN)/python -m pip install --disable-pip-version-check --quiet \
	    --constraint constraints.txt "$$wheel" --editable ".[$(EXTRAS)]"
	@rm -f $(VENV)/.installed-*
	@touch $@

run: setup ## Set up, examine this machine, start the server and print its address
	@$(BIN)/qingting doctor
	@exec $(BIN)/qingting serve

test: setup ## The fast suite, which includes the real models
	$(BIN)/python -m pytest -m "not slow and not browser"

test-slow: setup ## The slow tests, and those in a browser
	$(BIN)/python -m pytest -m "slow or browser"

lint: $(INSTALLED) ## Formatter and linter, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(INSTALLED) ## Strict types
	$(BIN)/mypy

bench: setup ## One call with the clips of the tests, every mark of every turn as JSON
	@$(BIN)/qingting call tests/data/*.wav --json

clean: ## Remove what the tools left; models and compiled wheels stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
