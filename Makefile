# The movie recommender. `make` alone lists what there is.
#
# A bare machine needs python3 (3.11 or newer) and make; everything else goes into .venv.
# Settings, from the environment or the command line: PYTHON=python3.12 make app, make app PORT=8080

PYTHON ?= python3
ADDRESS ?= 127.0.0.1
PORT ?= 8501

VENV := .venv
RUN := $(VENV)/bin/python -m
APP_READY := $(VENV)/.app-ready
TESTS_READY := $(VENV)/.tests-ready

.DEFAULT_GOAL := help
.PHONY: help app test check audit clean

help:
	@echo "make app     start the app on http://$(ADDRESS):$(PORT)"
	@echo "make test    run every test"
	@echo "make check   ruff, mypy and bandit"
	@echo "make audit   known vulnerabilities of the installed packages, where the network allows it"
	@echo "make clean   remove the environment and the tools' caches; runs and downloaded data stay"

app: $(APP_READY)
	$(RUN) streamlit run streamlit_app.py --server.address $(ADDRESS) --server.port $(PORT)

# No test may lean on a model or a data set that only the hub has.
test: $(TESTS_READY)
	HF_HUB_OFFLINE=1 $(RUN) pytest --numprocesses=2 --dist=loadfile

check: $(TESTS_READY)
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) bandit --quiet --configfile pyproject.toml --recursive recommender pages benchmarks .ci streamlit_app.py

audit: $(TESTS_READY)
	$(VENV)/bin/python .ci/audit.py

# The stamps come last in their recipes: an installation that failed leaves none and is tried again.
$(APP_READY): requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "There is no '$(PYTHON)' here. Install Python 3.11 or newer," \
		"or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed," \
		"and '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name a newer one:" \
		"make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "'$(PYTHON)' cannot make an environment:" \
		"it lacks venv or ensurepip. On Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV); the first time this takes a few minutes."
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --disable-pip-version-check --no-input -r requirements.txt
	@touch $@

$(TESTS_READY): $(APP_READY) requirements-dev.txt
	$(RUN) pip install --disable-pip-version-check --no-input -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
