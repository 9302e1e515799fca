# BAAD: `make help` lists the targets. Python 3.11 or newer and make are all that is needed.
PYTHON ?= python3
BAAD   := .venv/bin/baad

.DEFAULT_GOAL := help
.PHONY: help setup demo test fuzz check docs

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]*:.*## / { printf "  make %-9s%s\n", $$1, $$2 }' Makefile

# Runs pip only where this checkout's path, pyproject.toml or constraints.txt differ from what was installed last.
setup:  ## make .venv/bin/baad from this checkout, with all that training and development need
	@wanted="$$(pwd) $$(cat pyproject.toml constraints.txt | cksum)"; \
	found="$$(cat .venv/.setup 2>/dev/null)"; \
	if [ -x $(BAAD) ] && [ "$$found" = "$$wanted" ]; then exit 0; fi; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make setup: needs Python 3.11 or newer: install one, then make setup PYTHON=python3.11" >&2; exit 2; }; \
	[ ! -L .venv ] || { echo "make setup: .venv is a link, and another environment would be emptied: remove it" >&2; exit 2; }; \
	case "$$found" in ""|"$$(pwd) "*) clear= ;; *) clear=--clear ;; esac; \
	echo "Installing BAAD into .venv (once; PyTorch is most of the download)"; \
	$(PYTHON) -m venv $$clear .venv \
		&& .venv/bin/python -m pip install $$([ -t 1 ] || echo -qq) --constraint constraints.txt --editable ".[train,dev]" \
		&& echo "$$wanted" > .venv/.setup

demo: setup  ## train on the embedded example, or on DATA=path/to/category, and write demo/index.html
	@$(BAAD) demo $(if $(DATA),"$(DATA)")

# A process for each core, up to eight, with a thread each; ARGS=-n0 runs all in one, as a debugger wants it.
test: setup  ## run the tests
	@OMP_NUM_THREADS=1 .venv/bin/python -m pytest --numprocesses logical --maxprocesses 8 $(ARGS)

fuzz: setup  ## feed 10,000 damaged files to every reader; ARGS="--seed 7 --count 500" for others
	@.venv/bin/python -m tests.fuzz $(ARGS)

check: setup  ## check style (ruff) and types (mypy)
	@.venv/bin/ruff check && .venv/bin/ruff format --check && .venv/bin/mypy

docs: setup  ## write the generated pages anew from the program
	@.venv/bin/python docs/generate.py $(ARGS)
