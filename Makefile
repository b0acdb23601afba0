# Everything runs in .venv, but training and ChatTTS, whose libraries are large: those have
# .venv-train and .venv-chattts.
# `make help` lists the targets.

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
# The first that runs: version managers put names into the path that lead nowhere.
PYTHON ?= $(shell for each in python3.11 python3; do \
  $$each -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$each && break; done)
EXTRAS ?= dev,local

VENV := .venv
BIN := $(VENV)/bin
# A change of either file makes another stamp, and so another installation.
KEY := $(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)
INSTALLED := $(VENV)/.installed-$(KEY)-$(EXTRAS)

VENV_TRAIN := .venv-train
BIN_TRAIN := $(VENV_TRAIN)/bin
KEY_TRAIN := $(shell cat pyproject.toml constraints.txt requirements-unsloth.txt | cksum | cut -d ' ' -f 1)
INSTALLED_TRAIN := $(VENV_TRAIN)/.unsloth-$(KEY_TRAIN)

VENV_CHATTTS := .venv-chattts
BIN_CHATTTS := $(VENV_CHATTTS)/bin
INSTALLED_CHATTTS := $(VENV_CHATTTS)/.chattts-$(KEY)

.DEFAULT_GOAL := help
.PHONY: help setup setup-train setup-chattts run test test-slow test-browser test-train \
  test-chattts bench-chattts lint types bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: $(INSTALLED) ## Create .venv, install everything, fetch and verify the models
	@$(BIN)/qingting models pull

$(INSTALLED): pyproject.toml constraints.txt
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || \
	  { echo "qingting: Python 3.11 or later is needed; PYTHON=/path/of/one tells where" >&2; exit 2; }
	@{ $(BIN)/python -c '$(NEW_ENOUGH)' && $(BIN)/python -m pip --version; } >/dev/null 2>&1 || \
	  "$(PYTHON)" -m venv --clear $(VENV)
	wheel=$$($(BIN)/python -m agent.llama_build) && \
	  $(BIN)/python -m pip install --disable-pip-version-check --quiet \
	    --constraint constraints.txt "$$wheel" --editable ".[$(EXTRAS)]"
	@rm -f $(VENV)/.installed-*
	@touch $@

setup-train: $(INSTALLED_TRAIN) ## Create .venv-train, which can also train: torch and Unsloth

$(INSTALLED_TRAIN): pyproject.toml constraints.txt requirements-unsloth.txt
	@$(MAKE) --no-print-directory setup VENV=$(VENV_TRAIN) EXTRAS=dev,train
	$(BIN_TRAIN)/python -m pip install --disable-pip-version-check --quiet \
	  --no-deps --requirement requirements-unsloth.txt
	@rm -f $(VENV_TRAIN)/.unsloth-*
	@touch $@

setup-chattts: $(INSTALLED_CHATTTS) ## Create .venv-chattts, which can also speak through ChatTTS

# torchaudio's compiled parts are linked with CUDA and stop a CPU's torch at import. It does
# without them, and ChatTTS uses none.
$(INSTALLED_CHATTTS): pyproject.toml constraints.txt
	@echo "ChatTTS: AGPL-3.0-or-later code, CC BY-NC 4.0 weights: non-commercial use only"
	@$(MAKE) --no-print-directory setup VENV=$(VENV_CHATTTS) EXTRAS=dev,chattts
	@$(BIN_CHATTTS)/python -c 'import torch; raise SystemExit(torch.version.cuda is None)' || \
	  rm -f $(VENV_CHATTTS)/lib/python*/site-packages/torchaudio/lib/*.so
	@rm -f $(VENV_CHATTTS)/.chattts-*
	@touch $@

run: setup ## Set up, examine this machine, start the server and print its address
	@$(BIN)/qingting doctor
	@exec $(BIN)/qingting serve

FAST := not slow and not browser and not train and not chattts
PYTEST := $(BIN)/python -m pytest --hypothesis-profile=same-examples --durations=20 --durations-min=2

# Tests of the models in QINGTING_HOME run one at a time: the language model's threads spin, and two
# tests would share two cores. Both halves run, whatever becomes of the first.
test: setup ## The fast suite, which includes the real models
	@$(BIN)/qingting models pull qwen2.5-coder-0.5b
	@failed=0; \
	$(PYTEST) -n 2 --dist=worksteal -m "$(FAST) and not models" || failed=1; \
	$(PYTEST) -m "$(FAST) and models" || failed=1; \
	exit $$failed

test-slow: setup ## The slow tests
	@$(BIN)/qingting models pull piper-joe qwen2.5-coder-0.5b
	$(BIN)/python -m pytest -m "slow and not browser and not train and not chattts"

test-browser: setup ## The call page: its modules in node, whole calls in Chromium
	@command -v chromium >/dev/null && command -v node >/dev/null && fc-list :lang=zh-tw | grep -q . || \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends \
	    chromium nodejs fontconfig fonts-noto-cjk >/dev/null; } || \
	  { echo "qingting: install chromium, nodejs and a Chinese font first" >&2; exit 2; }
	$(BIN)/python -m pip install --disable-pip-version-check --quiet \
	  --constraint constraints.txt --editable ".[browser]"
	node --test tests/browser/js/*.test.mjs
	$(BIN)/python -m pytest -m browser

test-train: setup-train ## Train a small model for real, in .venv-train
	@$(BIN_TRAIN)/qingting models pull smollm2-135m
	$(BIN_TRAIN)/python -m pytest -m train tests/train tests/agent/encoder

test-chattts: setup-chattts ## ChatTTS's own classes on small random weights, in .venv-chattts
	$(BIN_CHATTTS)/python -m pytest -m chattts tests/pipeline/tts/chattts tests/agent/voices

bench-chattts: setup-chattts ## First sound and real-time factor of ChatTTS's architecture here
	$(BIN_CHATTTS)/python -m agent.voices.chattts_measure

lint: $(INSTALLED) ## Formatter and linter, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(INSTALLED) ## Strict types
	$(BIN)/mypy

bench: setup ## Response latency beside two baselines, about half an hour; BENCH="--quick" for less
	@$(BIN)/qingting bench --out runs/bench $(BENCH)

clean: ## Remove what the tools left; models and compiled wheels stay
	rm -rf $(VENV) $(VENV_TRAIN) $(VENV_CHATTTS) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
