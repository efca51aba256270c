# Needs python3 (3.10 to 3.13) with venv, and nothing else. Choose one with: make test PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RECIPE ?= mnist-cvae
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help fit test check lint types clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

fit: $(VENV)/.installed ## Install the project in .venv and train mnist-cvae (RECIPE=mnist-vae ARGS="--epochs 1")
	$(BIN)/keras-vae fit $(RECIPE) $(ARGS)

# In two parts: a process keeps what it has compiled, gigabytes in all, until it ends.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4
test: $(VENV)/.installed-test ## Install it with what the tests need and run them (ARGS="-m slow")
	$(PYTEST) $(if $(ARGS),$(ARGS),tests/conformance && $(PYTEST) --ignore tests/conformance)

check: lint types ## Lint, check the format, the types and the direction of imports

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy and import-linter read folders and know nothing of setuptools' package-dir:
# show them the package as it is installed.
LAYOUT := build/layout
ROOT := $(CURDIR)
types: $(VENV)/.installed-dev
	@rm -rf $(LAYOUT) && mkdir -p $(LAYOUT)
	@cp -R keras_vae $(LAYOUT)/keras_vae
	@cp -R cli serving $(LAYOUT)/keras_vae/
	cd $(LAYOUT) && "$(ROOT)/$(BIN)/mypy" --config-file "$(ROOT)/pyproject.toml" \
	  --cache-dir "$(ROOT)/.mypy_cache"
	cd $(LAYOUT) && "$(ROOT)/$(BIN)/lint-imports" --config "$(ROOT)/pyproject.toml" --no-logo --no-cache

clean: ## Remove .venv, builds and caches; runs and saved models stay
	rm -rf $(VENV) build dist keras_vae.egg-info .mypy_cache .pytest_cache .ruff_cache

# pip is the last thing that venv puts in: without it the environment is half made, and is made anew.
$(BIN)/pip:
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)

# One stamp for each set of extras: .installed is the project alone, .installed-test has [test].
# It is touched only after pip has succeeded, and is out of date when pyproject.toml changes.
$(VENV)/.installed $(VENV)/.installed-test $(VENV)/.installed-dev: pyproject.toml | $(BIN)/pip
	@echo "Installing the project in $(VENV) (TensorFlow is large: the first time takes some minutes)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.$(patsubst .installed-%,[%],$(filter .installed-%,$(@F)))'
	@touch $@
