# Two commands matter: `make book` builds the site, `make test` proves it. `make help` lists the rest.

PYTHON ?= python3
VENV   ?= .venv
RUN    := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
JOBS   ?= 2

# One thread per process: the tests run in $(JOBS) processes, and threads would only fight for cores.
TEST_ENV := OMP_NUM_THREADS=1 GENLIB_PROFILE=smoke GENLIB_OFFLINE=1 GENLIB_PROGRESS=off PYTHONPATH=.

.DEFAULT_GOAL := help
.PHONY: help book pdf linkcheck lighthouse test test-fast test-faults test-widgets7 notebooks scoreboard lint format urls lock release-check clean

help:  ## list the targets
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z0-9-]*\):.*##  *\(.*\)$$/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'
	@echo "PYTHON=python3.12 chooses the Python (3.10 to 3.13) that the environment is made with."

book: $(STAMP)  ## build the site into _build/html (FRESH=1 executes every chapter first)
	@$(RUN) -m tools.book $(if $(FRESH),--fresh)

pdf: $(STAMP)  ## the whole book as one PDF in _build (needs a Chromium; builds the site if it is missing)
	@$(RUN) -m tools.pdf

linkcheck: $(STAMP)  ## check the built site's links (EXTERNAL=1 tries those that leave it, too)
	@$(RUN) -m tools.links $(if $(EXTERNAL),--external)

lighthouse: $(STAMP)  ## judge the built site, first page and chapters (needs npm and Chromium; PRESET=desktop, PRESET=both)
	$(RUN) -m tools.lighthouse $(if $(PRESET),--preset $(PRESET)) $(NAMES)

test: $(STAMP)  ## unit tests, every notebook at profile smoke, generated files in sync, site checks
	$(TEST_ENV) $(RUN) -m pytest --import-mode=importlib tests notebooks --nbval-lax -n $(JOBS) --dist loadscope -q -m "not faults"

test-fast: $(STAMP)  ## unit tests only: no notebook is run, no site is built
	$(TEST_ENV) $(RUN) -m pytest --import-mode=importlib tests --ignore=tests/site -m "not slow and not faults" -n $(JOBS) --dist loadscope -q

# Colab has ipywidgets 7.7.1. --no-deps: all else stays as it is pinned, but for one small part.
test-widgets7: $(STAMP)  ## the notebook's explorers under ipywidgets 7.7.1, as on Colab (needs an index)
	@test -d _build/widgets7/ipywidgets || $(RUN) -m pip install --quiet --disable-pip-version-check \
		--no-deps --target _build/widgets7 ipywidgets==7.7.1 'widgetsnbextension==3.6.*' ipython_genutils
	$(TEST_ENV) PYTHONPATH=$(CURDIR)/_build/widgets7:. GENLIB_WIDGETS=7 $(RUN) -m pytest --import-mode=importlib tests/explore -q

test-faults: $(STAMP)  ## kill training runs at random moments, many times, and compare the ends
	$(TEST_ENV) $(RUN) -m pytest tests/faults -m faults -n $(JOBS) -q

notebooks: $(STAMP)  ## write notebooks/ from book/ (EXECUTE=1 runs them; NAMES="01" chooses)
	$(RUN) -m tools.notebooks $(if $(EXECUTE),--execute) $(NAMES)

scoreboard: $(STAMP)  ## train every model of the course, hours: genlib/results/scoreboard.json and .md
	$(RUN) -m experiments.scoreboard

lint: $(STAMP)  ## ruff, mypy, and that every link to the repository derives from _config.yml
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(RUN) -m tools.urls --check

format: $(STAMP)  ## let ruff rewrite what it can
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

urls: $(STAMP)  ## rewrite what derives from _config.yml (after changing URL, title or author there)
	$(RUN) -m tools.urls --write

release-check: lint test  ## all of the above, and no output made by an older genlib
	$(RUN) -m tools.notebooks --check --strict

# torch's CUDA libraries are left out: where torch needs them, pip finds them by itself.
lock:  ## compile requirements.txt from requirements.in (needs uv)
	@command -v uv >/dev/null || { echo "uv is not installed: pip install uv" >&2; exit 1; }
	uv pip compile requirements.in --universal --python-version 3.10 --no-header --no-annotate -q \
		| grep -vE '^(cuda-|nvidia-|triton)' > requirements.txt.partial
	mv requirements.txt.partial requirements.txt

clean:  ## remove the built site and all caches (the environment stays)
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# The environment: made once, and again when the pins or pyproject.toml change.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "$(PYTHON) is $$($(PYTHON) --version 2>&1); this book needs Python 3.10 to 3.13:" \
		"make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
