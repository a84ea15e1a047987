# Four Papers on a Laptop. Two commands are enough: `make lab` to learn, `make test` to check everything.

# The Python that makes .venv, 3.11 or newer: make lab PYTHON=python3.12
PYTHON ?= python3

# Where Linux machines without a GPU take PyTorch's CPU build from (200 MB instead of several GB). It is asked for
# 3 s at most and skipped when it does not answer; name another, or none: make lab TORCH_INDEX=
# An index that you name is asked on a machine with a GPU as well.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

# A folder made by `make wheelhouse`; packages then come from it alone: make lab WHEELHOUSE=/media/usb/wheelhouse
WHEELHOUSE ?=

# Jupyter, nbgrader and the tests' kernels are found through PATH.
IN_VENV = PATH="$(CURDIR)/.venv/bin:$$PATH"
FOUND = command -v $(PYTHON) >/dev/null || \
	{ echo "No $(PYTHON) here. Install Python 3.11 or newer, or name yours: make lab PYTHON=python3.12"; exit 1; }
ENVIRONMENT = $(FOUND); $(PYTHON) scripts/environment.py --torch-index "$(TORCH_INDEX)" \
	$(if $(filter file,$(origin TORCH_INDEX)),,--even-with-gpu) --wheelhouse "$(WHEELHOUSE)"
# One thread each, because the tests run side by side; PYTHONPATH closes the network in every kernel too.
PYTEST = $(IN_VENV) OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONPATH="$(CURDIR)/tests/offline" \
	.venv/bin/python -m pytest
NOTEBOOK_DIRS = $(wildcard notebooks solutions)

.PHONY: help env env-tests update lab test test-long notebooks models exercises links new-module book slides wheelhouse bench lint clean

help: ## these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile

lab: env ## open the course in JupyterLab
	@$(IN_VENV) .venv/bin/python scripts/lab.py

env: ## make .venv with what learners need
	@$(ENVIRONMENT)

update: ## fetch the newest course; what you changed and it changes too is kept in kept/DATE
	@$(FOUND); $(PYTHON) scripts/update.py
	@$(ENVIRONMENT)

env-tests:
	@$(ENVIRONMENT) --tests

test: env-tests ## every test but the long ones
	$(PYTEST) -n 2 --dist loadfile -m "not long" --nbval --nbval-current-env tests $(NOTEBOOK_DIRS)

test-long: env-tests ## the tests that take minutes
	$(PYTEST) -m long tests
	FUZZ_TIMES=12 $(PYTEST) tests/test_aggregation_properties.py
	FUZZ_TIMES=1 $(PYTEST) -n 2 tests/test_formal_skills_fuzz.py tests/test_formal_skills_manifest.py

notebooks: env-tests ## run the notebooks in place, collect their claims and pictures
	$(IN_VENV) .venv/bin/python -m scripts.run_notebooks $(ONLY)

models: env-tests ## train the tiny models that come with the course again (about 8 minutes)
	$(IN_VENV) .venv/bin/python -m scripts.make_models

exercises: env-tests ## generate exercises/ from solutions/
	$(IN_VENV) .venv/bin/python -m scripts.exercises

links: env-tests ## write badges and the set-up cell for this repository's address
	$(IN_VENV) .venv/bin/python -m scripts.links

new-module: env-tests ## a tiny module that passes every test, to be replaced piece by piece: NAME=example
	$(IN_VENV) .venv/bin/python -m scripts.new_module "$(or $(filter-out new-module,$(MAKECMDGOALS)),$(NAME))"
# The name may stand alone too, as in make new-module example; then it is no goal of its own.
ifeq ($(firstword $(MAKECMDGOALS)),new-module)
%: ; @:
endif

book: env-tests ## the course as web pages, in build/site
	$(IN_VENV) .venv/bin/python -m scripts.book

slides: env-tests ## a talk for each module, in build/slides
	$(IN_VENV) .venv/bin/python -m scripts.slides

wheelhouse: ## every package in build/wheelhouse, for a class without a network
	@$(ENVIRONMENT) --download build/wheelhouse

bench: env-tests ## speed against the peer libraries, as ratios
	$(IN_VENV) .venv/bin/python -m pytest tests/benchmarks -q -s -o addopts= -o python_files="bench_*.py"

lint: env-tests
	.venv/bin/ruff check .

clean: ## remove .venv and everything generated outside git
	rm -rf .venv build *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
