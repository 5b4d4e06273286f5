# Every target makes its own .venv; nothing is needed beforehand but Python 3.11-3.13 and make.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help

# The first of these that runs, is of a version we test, and can make a virtual environment.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
    $$p -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
    2>/dev/null && echo $$p && break; done)

BIN := .venv/bin
READY := .venv/ready
EXTRAS := train,data,chat,deploy,dev
ASR := .venv-asr
AUDIT := .venv-audit
IMAGES ?= web code train
ASR_ON ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
ASR_PIP = $(ASR)/bin/python -m pip install -qq --disable-pip-version-check --no-input
PYTEST := $(BIN)/python -m pytest

# Images of containers set it, and each worker of the tests would compile all of them anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup asr demo dev test test-slow check audit images format docs bench bench-gpu eval clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything that was tested together
	@echo '.venv is ready'

asr: $(ASR)/ready ## make .venv-asr, where whisperx recognizes speech, for this machine's GPU or CPU
	@echo "$(ASR) is ready: export ASR_PYTHON=$(CURDIR)/$(ASR)/bin/python"

demo: $(READY) ## take the demo channel from videos to a trained model and a sample
	@$(BIN)/impressions demo

dev: $(READY) ## open the Dagster UI on http://127.0.0.1:3000, with its daemon
	@$(BIN)/impressions dev

test: $(READY) ## run the quick tests
	@$(PYTEST) -n 2 -m "not slow and not gpu" --hypothesis-profile=quick

test-slow: $(READY) ## run the tests that take minutes, and properties on many examples
	@$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder -m "(slow or hypothesis) and not gpu" --hypothesis-profile=thorough

check: $(READY) ## lint, formatting, types, who imports whom, the data dictionary, and no secrets
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m impressions_assets.storage.dictionary | diff -u docs/data-dictionary.md - \
	  || { echo 'docs/data-dictionary.md is not current: run `make docs`' >&2; exit 1; }
	@$(BIN)/python -m impressions_assets_tests.secret_scan

audit: $(READY) ## ask PyPI's advisories about every version in the constraints (wants the network)
	@$(AUDIT)/bin/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip install -qq --disable-pip-version-check --no-input -r constraints-audit.txt
	@$(AUDIT)/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off \
	  -r constraints.txt -r constraints-asr.txt 2> >(grep -v 'no-deps\|Consider using' >&2) || { \
	  echo 'Where versions are listed above, raise them in the constraints and run the tests. Where' >&2; \
	  echo 'pip-audit says that it could not ask, it found no network, or a mirror without advisories:' >&2; \
	  echo 'run `make audit` where https://pypi.org is reached, or look at https://osv.dev by hand.' >&2; \
	  exit 1; }

images: $(READY) ## install what each image installs in a folder of its own (minutes; wants the network)
	@$(BIN)/python -m impressions_assets_tests.image_installs $(IMAGES)

format: $(READY) ## mend formatting and what ruff can mend by itself
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

docs: $(READY) ## write docs/data-dictionary.md from the rows, docs/articles from the demo
	@$(BIN)/python -m impressions_assets.storage.dictionary > docs/data-dictionary.md
	@$(BIN)/python -m impressions_assets_tests.demo_articles docs/articles

bench: $(READY) ## measure speed and memory: make bench TEXT=<file> trains on that file
	@$(BIN)/python -m impressions_assets_tests.bench $(if $(TEXT),--text '$(TEXT)')

bench-gpu: $(READY) ## measure training and decoding on a GPU, where there is one
	@$(BIN)/python -m impressions_assets_tests.bench.gpu $(if $(TEXT),--text '$(TEXT)')

eval: $(READY) ## score what is taken out of real texts: make eval DATA=<folder>
	@$(BIN)/python -m impressions_assets_tests.eval $(DATA)

clean: ## remove .venv and caches; what channels made (.impressions) stays
	rm -rf .venv $(ASR) $(AUDIT) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
ifeq ($(strip $(PYTHON)),)
	@echo 'No Python 3.11, 3.12 or 3.13 that can make virtual environments was found.' >&2
	@echo 'Install one (Debian, Ubuntu: apt-get install python3 python3-venv), or name it:' >&2
	@echo '  make setup PYTHON=/path/to/python3.12' >&2
	@exit 1
endif
	@echo "Setting up .venv with $$($(PYTHON) --version): some minutes the first time" >&2
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input \
	  -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

# On the CPU whisperx runs beside a newer torch than it pins, and the native part of torchaudio,
# which is built for CUDA there and which nothing of ours uses, would fail to load.
$(ASR)/ready: constraints-asr.txt constraints-asr-cpu.txt
	@echo "Setting up $(ASR) for the $(ASR_ON): about 2 GB, more for a GPU, once" >&2
	@$(PYTHON) -m venv --clear $(ASR)
ifeq ($(ASR_ON),gpu)
	@$(ASR_PIP) -c constraints-asr.txt whisperx dagster-pipes
else
	@$(ASR_PIP) "$$(grep '^torch==' constraints-asr-cpu.txt)"
	@$(ASR_PIP) --no-deps -r constraints-asr-cpu.txt
	@rm -f $(ASR)/lib/python*/site-packages/torchaudio/lib/*.so
endif
	@$(ASR)/bin/python -c 'import whisperx.asr, whisperx.alignment, whisperx.diarize' 2>/dev/null || \
	  { echo 'whisperx cannot be imported in $(ASR)' >&2; exit 1; }
	@touch $@
