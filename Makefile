# The commands of the README are `make run`, `make check` and `make test`; `make setup` is what they
# share. `make cluster` is `make run` with several processes (PROCESSES=3).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make
# Node 20.19 or newer (what the bundler needs), or nothing: without it the server still runs, and says what is missing.
NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); if (+a > 20 || (+a == 20 && +b >= 19)) console.log("yes")' 2>/dev/null)
PAGE_SOURCES := $(shell find frontend/src frontend/public frontend/index.html frontend/vite.config.js frontend/scripts/docsPages.js docs/*.md -type f 2>/dev/null)

.PHONY: run cluster setup dashboard packages check test soak bench clean

run: setup
	@exec $(BIN)/python app.py

cluster: setup
	@exec $(BIN)/python -m scripts.cluster

setup: $(STAMPS)/python dashboard

$(STAMPS)/python: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "CRS needs Python 3.11 or newer; name one with: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "Python's venv module is missing; on Debian: apt install python3-venv"; exit 1; }
	@echo "Installing Python packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/python-dev: $(STAMPS)/python requirements-dev.txt
	@echo "Installing what the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(STAMPS)/python-soak: $(STAMPS)/python-dev requirements-soak.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-soak.txt
	@touch $@

ifeq ($(NODE),yes)
dashboard: frontend/dist/index.html
packages: $(STAMPS)/node
else
packages:
dashboard:
	@echo "Node.js 20.19 or newer was not found: the server runs without the dashboard"
endif

$(STAMPS)/node: frontend/package.json frontend/package-lock.json
	@echo "Installing the dashboard's packages"
	@cd frontend && npm ci --silent --no-fund --no-audit
	@mkdir -p $(STAMPS) && touch $@

frontend/dist/index.html: $(STAMPS)/node $(PAGE_SOURCES)
	@echo "Building the dashboard"
	@cd frontend && npm run --silent build
	@touch $@

check: packages $(STAMPS)/python-dev
	@$(BIN)/python scripts/check.py check

test: setup $(STAMPS)/python-dev
	@$(BIN)/python scripts/check.py test

soak: setup $(STAMPS)/python-soak
	@$(BIN)/python -m pytest --soak -v

bench: setup $(STAMPS)/python-dev
	@$(BIN)/python -m benchmarks
ifeq ($(NODE),yes)
	@cd frontend && npm run --silent bench -- 30
endif

clean:
	rm -rf $(VENV) $(STAMPS) frontend/node_modules frontend/dist
