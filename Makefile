# Each target sets ./.venv up from the lock first. Without make: python3 scripts/dev.py TARGET
PYTHON ?= python3

.PHONY: help setup demo up test unit lint lock

help:
	@$(PYTHON) scripts/dev.py || true

setup demo test unit lint:
	@$(PYTHON) scripts/dev.py $@

# make up ARGS=--simulator
up:
	@$(PYTHON) scripts/dev.py up -- $(ARGS)

# After a change of the dependencies in pyproject.toml; needs uv.
lock:
	uv lock
	uv export --quiet --locked --no-emit-project --output-file requirements.lock
