# The two commands of the README are `make demo` and `make test`. Everything else is for those who work on the project.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format faults mutants bench lock clean

help: ## What can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed ## The virtual environment with every dependency, exactly as locked

$(VENV)/.installed: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed as '$(PYTHON)'; name another one with: make PYTHON=/path/to/python3" >&2; exit 78; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 78; }
	@echo "Setting up $(VENV) (once, under a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

demo: setup ## The worker's main job from end to end, on this machine alone (KEEP=1 leaves it running)
	@$(BIN)/python -m worker demo $(if $(KEEP),--keep)

test: setup ## Every test, after lint and types
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check: setup ## Lint, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup ## Lint and format, mended in place
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

faults: setup ## The fault campaign: goes on where it stopped (MINUTES=60, JOBS=2, ONLY=name)
	@$(BIN)/python -m tests.faults --minutes $(or $(MINUTES),60) --jobs $(or $(JOBS),2) --only "$(ONLY)"

mutants: setup ## Bugs planted one at a time, and whether they are caught (ONLY=words)
	@$(BIN)/python -m tests.mutants $(ONLY)

bench: setup ## Benchmarks: each prints a ratio to something measured in the same run
	@$(BIN)/python -m tests.benchmarks

lock: ## The lock files anew (needs uv)
	uv pip compile pyproject.toml --extra embedded --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -o requirements.lock
	uv pip compile pyproject.toml --extra embedded --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -o requirements-dev.lock

clean: ## Remove what can be made again
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
