# Everything a newcomer needs. Each target makes its own virtual environment (.venv) when there is none.

PYTHON      ?= python3
PIP_OPTIONS ?=
SOURCE      ?= complete-journey
HOST        ?= 127.0.0.1
PORT        ?= 8000
SIZE        ?= smoke
DATA        ?=
NEO4J       ?=
KILLS       ?=
WORKERS     ?= 2

VENV      := .venv
BIN       := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo serve test lint format types bench bench-graph bench-embeddings bench-forecaster clean

help: ## Show this help
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) > /dev/null || { echo "Habitué needs Python 3.11 or newer, and '$(PYTHON)' was not found: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Habitué needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": make PYTHON=python3.12")'
	@echo "Installing into $(VENV) (once; some minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt -e ".[demo,dev]"
	@touch $@

install: $(INSTALLED) ## Make the virtual environment, with everything in it

demo: $(INSTALLED) ## Real data, from tables to scores and a report   (SOURCE=tiny: in seconds)
	@$(BIN)/habitue demo $(SOURCE)

serve: $(INSTALLED) ## The API and its documentation on http://127.0.0.1:8000   (HOST=, PORT=)
	@$(BIN)/habitue serve --host $(HOST) --port $(PORT)

test: $(INSTALLED) ## The tests   (WORKERS=: how many run at once)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lint: $(INSTALLED) ## Style and likely mistakes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(INSTALLED) ## Put the code into the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(INSTALLED) ## Type check, strict
	@$(BIN)/mypy

bench: $(INSTALLED) ## The benchmarks of bench/, each of which writes JSON
	@set -e; for file in bench/bench_*.py; do \
	  [ -e "$$file" ] || { echo "There is no benchmark in bench/ yet." >&2; exit 1; }; \
	  echo "$$file"; $(BIN)/python -m "bench.$$(basename "$$file" .py)"; \
	done

bench-graph: $(INSTALLED) ## The graph at scale beside plain references   (SIZE=smoke, 2m or 30m, DATA=, NEO4J=, KILLS=)
	@$(BIN)/python -m bench.bench_graph --size $(SIZE) $(if $(DATA),--data $(DATA))
	@$(if $(NEO4J),$(BIN)/python -m bench.bench_neo4j --size $(SIZE) $(if $(DATA),--data $(DATA)) --neo4j $(NEO4J))
	@$(if $(KILLS),$(BIN)/python -m bench.bench_kills --kills $(KILLS) $(if $(NEO4J),--neo4j $(NEO4J)))

bench-embeddings: $(INSTALLED) ## The training of embeddings beside PyKEEN's loops
	@$(BIN)/python -m bench.bench_embeddings

bench-forecaster: $(INSTALLED) ## Features, training and scoring at scale, and the convolution beside torch_geometric   (SIZE=smoke or full, DATA=)
	@$(BIN)/python -m bench.bench_forecaster --size $(SIZE) $(if $(DATA),--data $(DATA))

clean: ## Remove the virtual environment, caches and builds (never a workspace)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
