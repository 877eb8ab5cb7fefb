# Every target sets up what it needs: on a fresh clone, `make demo` or `make test` is enough.
.DEFAULT_GOAL := help
# Tests start hundreds of processes, each of which would compile the package again.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup demo test test-fast test-containers test-weekly fuzz lint format docs pictures bench containers lock changelog dist clean

BIN := .venv/bin
# Which Python to use; empty: the first of python3, python3.11, python3.13, ... that is supported.
PYTHON ?=
# Processes that run the tests.
JOBS ?= 2
# The order is that of tests/conftest.py.
ORDER := --dist loadfile --no-loadscope-reorder

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make .venv with the full locked stack for this Python (PYTHON=... to choose one)
	@sh requirements/setup.sh $(PYTHON)

demo: setup ## Run the Chicago taxi pipeline: first run, cached run, and a model that the gate stops
	@$(BIN)/python examples/chicago_taxi/demo.py

test: lint ## Run the linters and all tests but the weekly ones
	@$(BIN)/python -m pytest -n $(JOBS) $(ORDER) -m "not weekly"

test-fast: setup ## Run the tests that need neither TensorFlow nor the network, in under two minutes
	@$(BIN)/python -m pytest -n $(JOBS) $(ORDER) --hypothesis-profile=fast -m "not slow and not tensorflow and not network"

test-containers: ## Build the images and run tests and the compiled taxi pipeline in them (root, Debian or Ubuntu)
	@python3 tests/containers/main.py

test-weekly: setup ## Run the tests that make test leaves out, here and in the images (root, Debian or Ubuntu)
	@$(BIN)/python -m pytest -n $(JOBS) $(ORDER) -m weekly
	@python3 tests/containers/main.py --whole

fuzz: setup ## Search for bytes that readers crash on or lose rows of, for about half an hour
	@$(BIN)/python -m pytest tests/fuzz --hypothesis-profile=fuzz

lint: setup ## Check style, format, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=components $(BIN)/lint-imports --no-logo

format: setup ## Format the code and fix what ruff can fix
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: setup ## Build the documentation into docs/_build
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build
	@echo "Open docs/_build/index.html"

pictures: setup ## Draw the pictures of the README and the site again (needs Chromium)
	@$(BIN)/python docs/pictures.py

bench: setup ## Run the benchmarks
	@missed=; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script" || missed="$$missed $$script"; done; \
	if [ -n "$$missed" ]; then echo "make bench: a target was missed in$$missed" >&2; exit 1; fi

containers: ## Build the images data, full and beam with docker, podman or buildah
	@sh containers/build.sh

lock: ## Update the lock files for every supported Python (needs uv)
	@sh requirements/lock.sh

changelog: setup ## Join the fragments of changelog.d into CHANGELOG.md (VERSION=X.Y.Z; without it, print the draft)
	@$(BIN)/towncrier build $(if $(VERSION),--yes --version $(VERSION),--draft --version unreleased)

dist: setup ## Build the wheel and the sdist into dist
	@rm -rf dist
	@$(BIN)/python -m hatchling build -t sdist -t wheel -d dist

clean: ## Remove the environment, caches and builds
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
