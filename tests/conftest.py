"""Fixtures for every test: each real server that a test needs is started by the test run itself, on a free port."""

import os
import sys

# Tests start some hundred processes; without bytecode each of them compiles the house anew, which doubles its start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

pytest_plugins: list[str] = [
    "tests.fixtures.database",
    "tests.fixtures.redis",
    "tests.fixtures.scripted",
    "tests.fixtures.simulator",
    "tests.fixtures.house",
    "tests.fixtures.history",
    "tests.fixtures.exchange",
    "tests.fixtures.fleet",
    "tests.fixtures.properties",
    "tests.fixtures.cli",
]
