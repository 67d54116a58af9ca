# `make run` and `make test` need Python 3.11 or later with venv, and make; everything else is set up in .venv.

VENV := .venv
BIN := $(VENV)/bin
DATA := var
# Further arguments: make run ARGS="--config etc/trackd.toml"
ARGS :=
# What `make test` runs: make test TESTS=tests.test_settings
TESTS := tests

help:
	@echo "make run          start the server, with its data under ./$(DATA)"
	@echo "make test         lint, types, floors, tests"
	@echo "make conformance  replay the recordings of all wire formats, if they are there"
	@echo "make fuzz         damaged frames to all wire formats"
	@echo "make bench        measure speed, memory and latency (ARGS=--full: up to large sizes)"
	@echo "make screenshots  pictures of the live page for the documentation, with a browser"
	@echo "make vendor       fetch the libraries of the live page with npm"
	@echo "make docs         the documentation, in docs/_build/html"
	@echo "make clean        remove what was made, except $(DATA)"

# Set up anew only when the dependencies have changed.
$(VENV)/installed: setup.cfg pyproject.toml
	@sh .ci/venv $(VENV) .
	@touch $@

$(VENV)/developed: setup.cfg pyproject.toml
	@sh .ci/venv $(VENV) '.[dev]'
	@touch $@ $(VENV)/installed

run: $(VENV)/installed
	@exec $(BIN)/twistd --nodaemon --pidfile= trackd --data $(DATA) $(ARGS)

test: lint types floors trial

lint: $(VENV)/developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/developed
	$(BIN)/mypy

floors: $(VENV)/developed
	$(BIN)/lint-imports --no-logo

trial: $(VENV)/developed
	$(BIN)/trial $(TESTS)

conformance: $(VENV)/developed
	$(BIN)/python -m tests.conformance --service $(ARGS)

fuzz: $(VENV)/developed
	$(BIN)/python -m tests.wire.fuzz $(ARGS)

bench: $(VENV)/developed
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: $(VENV)/developed
	$(BIN)/python -m tests.web.screenshots $(ARGS)

docs: $(VENV)/developed
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet docs docs/_build/html

# After a change of a version in trackd/web/live/vendor/libraries.json.
vendor:
	@.ci/vendor

# After a change of the keys.
etc/trackd.toml: trackd/keys.py $(VENV)/installed
	$(BIN)/python -m trackd.sample > $@

clean:
	rm -rf $(VENV) *.egg-info _trial_temp* .mypy_cache .ruff_cache .import_linter_cache docs/_build

.PHONY: help run test lint types floors trial conformance fuzz bench vendor screenshots docs clean
# The steps of `make test` one after the other, whatever -j says: each has its say in this order.
.NOTPARALLEL:
