"""Fixtures for every test: each real server that a test needs is started by the test run itself, on a free port."""

import os
import signal
import sys

# Tests start some hundred processes; without bytecode each of them compiles the house anew, which doubles its start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell has what it runs in the background ignore Ctrl-C, and the processes of a test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins: list[str] = [
    "tests.fixtures.statements",
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
