# Draftline. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ENVIRONMENTS := .venv-run .venv-serve .venv-dev
PARALLEL := -n auto --dist=loadgroup

export PORT PROMPT CONTEXT ONCE REVIEW

.DEFAULT_GOAL := help
.PHONY: $(ENVIRONMENTS) help run serve setup test bench chaos eval ci nightly bare lint types imports format lock docs clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: .venv-run ## Start everything on this machine and write a sample document (PROMPT=, CONTEXT=a,b, PORT=, REVIEW=1, ONCE=1)
	@$(BIN)/python -m deploy.local run

serve: .venv-serve ## Start everything on this machine and wait for jobs (PORT=)
	@$(BIN)/python -m deploy.local serve

setup: .venv-dev ## Make .venv with the services and the development tools

test: .venv-dev ## Run the tests, or those of all tiers that ARGS names (ARGS="-k name --server redis8")
	$(BIN)/python -m pytest $(or $(ARGS),$(PARALLEL) --tier test)

chaos: .venv-dev ## Break things on purpose and check the promises (FAULTS=1,2 SERVER=all SEED=7 MUTATE=1 LONG=1 OLD=commit)
	$(BIN)/python -m tests.chaos $(if $(FAULTS),--faults $(FAULTS)) $(if $(SERVER),--server $(SERVER)) $(if $(SEED),--seed $(SEED)) $(if $(MUTATE),--mutate) $(if $(LONG),--long) $(if $(OLD),--old $(OLD))

bench: .venv-dev ## Measure against the bars and write docs/benchmarks.* (ONLY=life,started QUICK=1)
	$(BIN)/python -m tests.benchmarks $(if $(ONLY),--only=$(ONLY)) $(if $(QUICK),--quick)

eval: .venv-dev ## Write documents with obedient and wayward models and judge them (MODELS=all CASES=a,b QUICK=1 OUT=1)
	$(BIN)/python -m tests.eval --models=$(or $(MODELS),all) $(if $(CASES),--cases=$(CASES)) $(if $(QUICK),--quick) $(if $(OUT),--out=docs/eval.md --json=docs/eval.json)

ci: lint types imports ## Everything CI runs: style, types, imports, the tests of `make test` and the slower ones
	$(BIN)/python -m pytest $(PARALLEL) --tier ci

nightly: lint types imports ## What takes too long for every change
	$(BIN)/python -m pytest $(PARALLEL) --tier nightly --server all --state-machine-examples 2000
	$(MAKE) chaos SERVER=all LONG=1
	$(MAKE) chaos MUTATE=1
	$(MAKE) eval bench bare

bare: ## Both commands of the README on minimal Debian systems (as root, with debootstrap)
	tests/bare/run

lint: .venv-dev ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv-dev ## Check types
	$(BIN)/mypy

imports: .venv-dev ## Check who imports whom
	$(BIN)/lint-imports

format: .venv-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv-dev ## Write docs/openapi.json and the tables of docs/errors.md from the code
	$(BIN)/python -m tests.support.openapi docs/openapi.json
	$(BIN)/python -m tests.support.error_tables

lock: ## Recompile the lock files in requirements/ (needs uv)
	requirements/compile.sh --upgrade

clean: ## Remove .venv, caches and the local data of `make run`
	rm -rf $(VENV) .draftline .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(ENVIRONMENTS): .venv-%:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Draftline needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m deploy.local.environment $*
