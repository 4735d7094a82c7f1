# make quickstart | test | test-slow | torture [SHARE=0.1] | train CONFIG=configs/... | lint | bundle | benchmark | figures
# | results | evidence [STUDIES=...] | docs
# PYTHON=python3.12 uses that interpreter, in a virtual environment of its own.

PYTHON ?= python3
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DATA ?= $(or $(TFDS_DATA_DIR),../shared/tfds)

.PHONY: quickstart test test-slow torture train lint format bundle benchmark figures results evidence docs requirements clean
.DEFAULT_GOAL := test

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	# As a path: a checkout's folder has the package's name, and from its parent would hide it.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps \
		--config-settings editable_mode=compat --editable .
	@touch $@

quickstart: $(INSTALLED)
	$(BIN)/python -m train configs/quickstart.py --workdir runs/quickstart

train: $(INSTALLED)
	@test -n "$(CONFIG)" || { echo "Say which: make train CONFIG=configs/quickstart.py"; exit 2; }
	$(BIN)/python -m train $(CONFIG) $(ARGS)

# Files in their own order: by their number of tests, those of long runs would begin last.
test: $(INSTALLED)
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -q -m slow

# What a run promises, tried many times at random; a whole one writes docs/reliability.md.
torture: $(INSTALLED)
	$(BIN)/python -m tests.torture --share $(or $(SHARE),1)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# For a machine without network that has JAX, Flax and Orbax: wheels for x86-64 Linux and
# Python 3.12, and CIFAR-10.
bundle: $(INSTALLED)
	$(BIN)/python tools/bundle.py --data $(DATA) --out bundle

benchmark: $(INSTALLED)
	$(BIN)/python benchmarks/schedules.py
	$(BIN)/python benchmarks/overhead.py

figures: $(INSTALLED)
	$(BIN)/python docs/draw.py

# The site, in docs/_build/html. A broken link or reference, and a notebook that fails, stop it.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -b html -W --keep-going docs docs/_build/html

$(VENV)/.docs: $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check \
		--config-settings editable_mode=compat --editable '.[docs]'
	@touch $@

results: $(INSTALLED)
	$(BIN)/python -m tools.results readme

# The runs that are missing of every study at laptop size, until it is stopped; again, it goes on.
evidence: $(INSTALLED)
	$(if $(wildcard $(DATA)),TFDS_DATA_DIR=$(DATA)) $(BIN)/python -m tools.evidence $(STUDIES)

requirements:
	uv pip compile --universal --python-version 3.11 --extra train --extra tune --extra dev \
		--no-header --no-annotate --no-emit-index-url --upgrade pyproject.toml -o requirements.txt

clean:
	rm -rf .venv .venv-* build dist bundle docs/_build docs/reports
