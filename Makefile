# Two commands on a fresh machine, each doing all its own set-up: `make demo` and `make test`.
# CPython 3.11 is tried first: pip then takes a CPU build of torch where one is at hand.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal
# What computes with numbers, and instruction sets that it has to come out right under
NUMERICAL := $(addprefix tests/,contracts conversion engines measure/equality reliability/injectable snn training/snn)
SETS := ATEN_CPU_CAPABILITY=default ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=SSE41 ONEDNN_MAX_CPU_ISA=AVX2

MUTANTS ?= 200
SEED ?= 0

.PHONY: demo test test-all test-isa mutants lint format clean

demo: $(VENV)/installed
	$(BIN)/spikewright demo --out runs/demo

test: lint
	$(PYTEST)

# Also what is slow, the whole zoo, and the data sets in $$SPIKEWRIGHT_DATA
test-all: lint
	$(PYTEST) --all

test-isa: $(VENV)/developed
	failed=; for set in $(SETS); do echo "== $$set"; env $$set $(PYTEST) $(NUMERICAL) || failed="$$failed $$set"; done; \
	test -z "$$failed" || { echo "not under:$$failed"; exit 1; }

# Would the tests notice? The first time records the contracts (minutes), then seconds a mutant; goes on where it stopped
mutants: $(VENV)/developed
	$(BIN)/python tests/mutants.py --count $(MUTANTS) --seed $(SEED)

lint: $(VENV)/developed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

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
