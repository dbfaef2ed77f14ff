"""What `import stockjobs` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import stockjobs

HEAVY = {"pandas", "numpy", "sqlalchemy", "celery", "kombu", "redis", "yfinance", "pydantic", "exchange_calendars"}


def loaded_after(statement: str) -> set[str]:
    """The packages that a fresh interpreter has loaded after a statement."""
    program = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_loads_nothing_heavy() -> None:
    assert not loaded_after("import stockjobs") & HEAVY


def test_looking_at_what_is_offered_loads_nothing_heavy() -> None:
    assert not loaded_after("import stockjobs; dir(stockjobs); hasattr(stockjobs, 'nope')") & HEAVY


def test_the_first_use_loads_neither_pandas_nor_yfinance() -> None:
    assert not loaded_after("import stockjobs; stockjobs.submit") & {"pandas", "yfinance", "exchange_calendars"}


def test_the_domain_loads_neither_pandas_nor_sql_nor_celery() -> None:
    modules = ("work.jobs", "work.retries", "asking.planning", "scheduling.schedules", "market.validation")
    loaded = loaded_after("\n".join(f"import stockjobs.domain.{module}" for module in modules))
    assert not loaded & {"pandas", "sqlalchemy", "celery", "kombu", "redis", "yfinance"}


@pytest.mark.parametrize("name", ["submit", "trigger", "backfill", "wait", "events", "bars", "jobs", "Submitted"])
def test_each_name_that_is_offered_is_there_and_says_what_it_does(name: str) -> None:
    assert name in dir(stockjobs)
    assert callable(getattr(stockjobs, name))
    assert getattr(stockjobs, name).__doc__


def test_all_that_is_offered_is_listed() -> None:
    assert sorted(stockjobs.__all__) == dir(stockjobs)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        _ = stockjobs.nope
