# Two commands are enough: `make demo` runs the whole way on made-up data, `make test` runs the tests.
# A machine without a GPU is served by the CPU build of torch:
#   make demo PIP_OPTIONS="--extra-index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
PIP_OPTIONS ?=
BIN := .venv/bin
export DAGSTER_HOME ?= $(CURDIR)/.dagster_home
DAGSTER_YAML ?= dagster_local.yaml

.PHONY: demo ui fonts docs test test-all test-paddle test-labelers test-ui test-fleet test-docker check clean

demo: .venv/installed $(DAGSTER_HOME)/dagster.yaml
	$(BIN)/ocr-pipeline demo

ui: .venv/installed $(DAGSTER_HOME)/dagster.yaml
	$(BIN)/python -m ocr_pipeline.orchestration.upkeep.ui --workspace workspace.yaml  # dagster dev, where none runs

# The Korean typefaces that synthetic words and pages are drawn in beside the package's own two: 85 files of Debian's, as
# root, and eight free hands of npm's, found where OCR_PIPELINE_FONTS=$(FONTS) says so.
FONTS ?= fonts
HANDS := east-sea-dokdo gaegu gamja-flower hi-melody poor-story single-day
fonts: $(HANDS:%=$(FONTS)/@fontsource/%)
	apt-get install --yes --no-install-recommends fontconfig fonts-nanum fonts-nanum-extra fonts-nanum-eco fonts-woowa-bm \
		fonts-unfonts-core fonts-unfonts-extra fonts-baekmuk fonts-alee fonts-noto-cjk

$(FONTS)/@fontsource/%:
	mkdir -p $@
	cd $@ && tar --extract --gzip --strip-components=2 --wildcards --file "$$(npm pack --silent @fontsource/$*@5)" \
		'package/files/*-korean-*.woff2'

# The site of docs/, into site/; a link that leads nowhere ends it.
docs: .venv/installed
	$(BIN)/pip install --constraint constraints.txt --editable '.[docs]'
	$(BIN)/zensical build --strict

# The tests of every day, on all cores up to four, a file on one of them.
PYTEST := $(BIN)/python -m pytest
IN_PARALLEL := --numprocesses logical --maxprocesses 4 --dist loadfile
test: .venv/installed-test
	$(PYTEST) $(IN_PARALLEL)

# Those, and what takes minutes of its own: kill after kill, many steps, several processes, daemons.
test-all: test
	$(PYTEST) $(IN_PARALLEL) -m "slow or kill"

# Paddle and torch on the same weights; makes the paddle environment first, 1.4 GB and about a minute.
test-paddle: export OCR_PIPELINE_PADDLE_ENV = $(CURDIR)/.venv-paddle
test-paddle: .venv/installed-test
	test -f .venv-paddle/ready || $(BIN)/ocr-pipeline paddle-env
	$(PYTEST) -m paddle

# Corrections there and back through the programs of others: a Label Studio that the tests start (1.0 GB, some minutes to
# install, two more to start) and the file code of PPOCRLabel.
test-labelers: export LABELERS_ENV = $(CURDIR)/.venv-labelers
test-labelers: .venv/installed-test .venv-labelers/installed
	$(PYTEST) -m labelers

.venv-labelers/installed:
	$(PYTHON) -m venv .venv-labelers
	.venv-labelers/bin/pip install label-studio==1.23.2
	.venv-labelers/bin/pip install --no-deps PPOCRLabel==3.1.6
	touch $@

# The UI as a person sees it, by Debian's own browser: apt-get install --no-install-recommends chromium fonts-noto-cjk
test-ui: .venv/installed-test
	$(BIN)/pip install --constraint constraints.txt --editable '.[ui-test]'
	$(PYTEST) -m ui

# Many machines: a real Ray cluster with two pretended GPUs and a real PostgreSQL, both started and stopped by the tests.
test-fleet: .venv/installed-test
	$(BIN)/pip install $(PIP_OPTIONS) --constraint constraints.txt --editable '.[fleet-test]'
	$(PYTEST) -m fleet

# The images and the whole stack in containers, as root; what it needs stands at the head of containers/trial.py.
test-docker: .venv/installed-test
	$(BIN)/pip install podman-compose==1.6.0
	PATH="$(CURDIR)/$(BIN):$$PATH" TRIAL_OPTIONS="$(TRIAL_OPTIONS)" $(PYTEST) -m docker --log-cli-level INFO

check: .venv/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	if cmp -s demo/.env .env; then rm .env; fi  # the demo's own, as it was written
	rm -rf .venv .venv-paddle .venv-labelers .dagster_home demo site

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v <= (3, 13) else f"Python 3.10 to 3.13 is needed, this is {v[0]}.{v[1]}: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install $(PIP_OPTIONS) --constraint constraints.txt --editable .
	touch $@

.venv/installed-test: .venv/installed
	$(BIN)/pip install $(PIP_OPTIONS) --constraint constraints.txt --editable '.[test]'
	touch $@

# The first opener of a fresh Dagster home creates its databases; two at once would corrupt them.
$(DAGSTER_HOME)/dagster.yaml: $(DAGSTER_YAML) | .venv/installed
	mkdir -p $(DAGSTER_HOME)
	cp $< $@
	$(BIN)/dagster instance info > /dev/null
	$(BIN)/dagster instance concurrency set gpu 1
