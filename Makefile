# Two commands on a fresh machine, each doing all its own set-up: `make demo` and `make test`.
# CPython 3.11 is tried first: pip then takes a CPU build of torch where one is at hand.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
SHARED := $(wildcard ../shared/data)
ifneq ($(SHARED),)
export SPIKEWRIGHT_DATA ?= $(abspath $(SHARED))
endif

.PHONY: demo test check format clean

demo: $(VENV)/installed
	$(BIN)/spikewright demo --out runs/demo

test: $(VENV)/developed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

format: $(VENV)/developed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) runs/demo

# The stamps make a second run take a second; they go stale with pyproject.toml.
$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/developed: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@
