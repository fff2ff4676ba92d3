# make demo   show what sessionlint finds in a small backend that breaks the rules
# make test   everything CI checks: lint, format, types, import contracts, tests
# make test-all  the same, and with every example what is tried on a share of them otherwise (half an hour)
# make lint   the same without the tests
# make wheel  build a wheel in dist/ in which the engine is compiled: about twice as fast (needs a C compiler)
# make test-wheel  the tests of engine, rules and inference on what is in that wheel
# make editor build the extension for VS Code (editors/vscode/dist/sessionlint.vsix)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.installed-demo
STAMP := $(VENV)/.installed
EXTRAS := dev,fix,report,report-postgres,reference,server
SYSTEM := $(VENV)/.system
NODE := $(VENV)/.node
EDITOR := $(VENV)/.editor
WHEELS := $(VENV)/.wheelhouse
COMPILED := $(VENV)/compiled
# Forks its process, which one with threads (as a test process among several is) does not do.
ALONE := tests/facts/test_parallel.py
# For two cores: a third of the time tests wait for servers and processes.
WORKERS := 3
# As pip does with what it copies: where PYTHONDONTWRITEBYTECODE is set, each start would compile 300 modules (0.4 s).
BYTECODE := $(BIN)/python -m compileall -q linters reports

.PHONY: demo test test-all ready lint wheel test-wheel editor clean

demo: $(DEMO)
	@status=0; $(BIN)/sessionlint check --no-cache examples/noncompliant || status=$$?; \
	if [ $$status -ne 1 ]; then echo "demo: expected findings (exit status 1), got exit status $$status" >&2; exit 1; fi
	@echo
	@$(BIN)/sessionlint report --no-history --output $(VENV)/demo-report examples/noncompliant
	@echo
	@echo "That was examples/noncompliant. Its twin, examples/compliant, does the same work the approved way."
	@echo "Next: '$(BIN)/sessionlint explain TXN101' explains a rule; '$(BIN)/sessionlint check PATH' checks your backend."

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What waits for the network goes on beside what computes.
test:
	$(MAKE) --no-print-directory --jobs 2 ready
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --ignore $(ALONE)
	$(BIN)/pytest $(ALONE)

test-all: export SESSIONLINT_TEST_ALL = 1
test-all: test

ready: lint $(SYSTEM) $(NODE) $(EDITOR) $(WHEELS)

editor: $(EDITOR)
	npm run --prefix editors/vscode package

$(DEMO): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[report]'
	$(BYTECODE)
	@touch $@

$(STAMP): pyproject.toml $(DEMO)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS)]'
	$(BYTECODE)
	@touch $@

# Programs no package index has; where they cannot be installed, the tests that need them say so.
$(SYSTEM): .ci/system-packages $(STAMP)
	.ci/system-packages
	@touch $@

# Validators from npm (see tests/node/package.json).
$(NODE): tests/node/package-lock.json $(SYSTEM)
	if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix tests/node; fi
	@touch $@

# What the extension for VS Code is built with and from.
$(EDITOR): editors/vscode/package-lock.json $(SYSTEM)
	if command -v npm >/dev/null; then npm ci --ignore-scripts --silent --no-audit --no-fund --prefix editors/vscode; fi
	@touch $@

# What pre-commit and the GitHub action install from in tests, which have no network.
$(WHEELS): pyproject.toml $(STAMP)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --wheel-dir $(VENV)/wheelhouse hatchling '.[fix]'
	@touch $@

# From a copy: compiled modules among the sources would be imported in their place, however they change.
wheel: $(STAMP)
	rm -rf $(COMPILED) dist && mkdir -p $(COMPILED)/source
	cp -r linters reports pyproject.toml README.md LICENSE $(COMPILED)/source
	HATCH_BUILD_HOOK_ENABLE_MYPYC=1 $(BIN)/python -m build --wheel --outdir dist $(COMPILED)/source
	rm -rf $(COMPILED)/source
	@ls dist/*.whl

test-wheel: wheel
	$(BIN)/python -m zipfile -e dist/*.whl $(COMPILED)
	PYTHONPATH=$(COMPILED) $(BIN)/pytest --numprocesses 2 --dist loadfile tests/rules tests/program tests/infer tests/cli

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
