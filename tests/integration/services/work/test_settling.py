"""What an ended occurrence keeps, on both databases: its symbols, its rows, and what it failed of."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import ProviderDown, SymbolUnknown
from stockjobs.store.ledger.occurrences import Occurrence
from tests.fixtures.house import House

pytestmark = pytest.mark.integration

ONCE = {"maxRetries": 0}


def done(house: House) -> Occurrence:
    """Trigger the job, work it off, and give what is kept of it."""
    one = house.trigger()
    house.dispatch.tick()
    house.work(Lane.REALTIME)
    return house.reports.occurrence(str(one.id)).occurrence


def test_a_completed_one_keeps_its_symbols_each_once_and_its_rows(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT", "NVDA"], intervals=["1d", "1wk"], batchSize=2)
    kept = done(house)
    stored = sum(
        len(house.reports.bars("yahoo", symbol, interval)[1])
        for symbol in ("AAPL", "MSFT", "NVDA")
        for interval in (Interval.D1, Interval.W1)
    )
    assert (kept.state, kept.symbols, kept.rows_written, kept.reason) == (State.COMPLETED, 3, stored, None)


def test_a_failed_one_keeps_the_symbols_that_arrived_and_its_first_error(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT", "NVDA"], retry=ONCE)
    house.provider.errors["MSFT"] = [SymbolUnknown("nobody knows it")]
    kept = done(house)
    assert (kept.state, kept.symbols, kept.reason) == (State.FAILED, 2, "MSFT: nobody knows it")
    assert kept.rows_written


def test_a_success_whose_rows_were_stored_before_counts_its_symbols_all_the_same(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT"], retry=ONCE)
    done(house)
    house.provider.errors["MSFT"] = [SymbolUnknown("nobody knows it")]
    kept = done(house)
    assert (kept.symbols, kept.rows_written) == (1, 0)


def test_what_arrived_before_the_last_attempt_counts(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT", "NVDA"], retry={"maxRetries": 1, "initial": "PT1S", "jitter": False})
    house.provider.errors["NVDA"] = [ProviderDown("502"), ProviderDown("503")]
    one = house.trigger()
    for _ in range(2):
        house.dispatch.tick()
        house.work(Lane.REALTIME)
        house.clock.advance(timedelta(seconds=2))
    kept = house.reports.occurrence(str(one.id)).occurrence
    assert (kept.state, kept.symbols, kept.reason) == (State.FAILED, 2, "NVDA: 503")


def test_a_long_error_is_kept_short(house: House) -> None:
    house.define(symbols=["AAPL"], retry=ONCE)
    house.provider.errors["AAPL"] = [SymbolUnknown("x" * 5_000 + "\nand more")]
    reason = done(house).reason
    assert reason is not None
    assert len(reason) == 300


def test_a_cancelled_one_keeps_what_had_arrived(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT"], batchSize=1)
    one = house.trigger()
    house.dispatch.tick()
    (first, number), _ = house.knocks(Lane.REALTIME)
    house.collect.run(UUID(first), number, Lane.REALTIME, worker="w@test")
    kept = house.steering.cancel(str(one.id), by="test")
    assert (kept.state, kept.symbols, kept.reason) == (State.CANCELLED, 1, "cancelled by test")
    assert kept.rows_written


def test_the_list_shows_open_and_ended_ones_alike(house: House) -> None:
    house.define(symbols=["AAPL", "MSFT"], batchSize=1, schedule={"concurrency": "allow"})
    ended = done(house)
    one = house.trigger()
    house.dispatch.tick()
    house.define("OTHER", symbols=["NVDA"])
    house.trigger("OTHER")
    reports = {report.occurrence.id: report for report in house.reports.occurrences()}
    assert reports[ended.id].rows_written == ended.rows_written
    assert reports[ended.id].tasks == {State.COMPLETED: 2}
    assert (reports[one.id].rows_written, reports[one.id].tasks) == (0, {State.QUEUED: 2})
