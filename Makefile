# make demo   show what sessionlint finds in a small backend that breaks the rules
# make test   everything CI checks: lint, format, types, import contracts, tests
# make lint   the same without the tests

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint clean

demo: $(STAMP)
	@status=0; $(BIN)/sessionlint check --no-cache examples/noncompliant || status=$$?; \
	if [ $$status -ne 1 ]; then echo "demo: expected findings (exit status 1), got exit status $$status" >&2; exit 1; fi
	@echo
	@echo "That was examples/noncompliant. Its twin, examples/compliant, does the same work the approved way."
	@echo "Next: '$(BIN)/sessionlint explain TXN101' explains a rule; '$(BIN)/sessionlint check PATH' checks your backend."

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/pytest

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
