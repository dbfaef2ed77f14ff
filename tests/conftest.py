"""Fixtures for every test: each real server that a test needs is started by the test run itself, on a free port."""

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
