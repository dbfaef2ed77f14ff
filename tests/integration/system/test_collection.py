"""Collections through everything that is real: beat, Redis, Celery workers, yfinance's session, SQL."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import numpy as np
import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.states import State
from stockjobs.simulator.client import SimulatorClient
from tests.fixtures.fleet import Fleet
from tests.fixtures.redis import eventually

pytestmark = pytest.mark.integration
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_stored_bars_are_those_that_yahoo_served(fleet: Fleet, yahoo: SimulatorClient, pool: str) -> None:
    fleet.beat()
    fleet.worker(pool=pool)
    symbols = ["AAPL", "VOD.L", "7203.T", "BTC-USD"]
    report = fleet.collect("PAST", symbols=symbols, mode="backfill", batchSize=2, window={"period": "P2Y"})
    assert report.occurrence.state is State.COMPLETED
    for symbol in symbols:
        served = _served(yahoo, symbol)
        _, stored = fleet.container.reports.bars("yahoo", symbol, Interval.D1)
        assert len(stored) > 400
        assert stored.at.tolist() == served["timestamp"][: len(stored)]
        for name in ("open", "high", "low", "close"):
            np.testing.assert_array_equal(getattr(stored, name), served[name][: len(stored)])


def _served(yahoo: SimulatorClient, symbol: str) -> dict[str, Any]:
    """The same window read straight from the server, by other means than ours."""
    midnight = int(time.time()) // 86_400 * 86_400
    end = time.gmtime(midnight)
    start = int(time.mktime((end.tm_year - 2, end.tm_mon, end.tm_mday, 0, 0, 0, 0, 0, 0))) - time.timezone
    url = f"{yahoo.url}/v8/finance/chart/{symbol}?period1={start}&period2={midnight}&interval=1d"
    with urllib.request.urlopen(url) as answer:
        [result] = json.load(answer)["chart"]["result"]
    return {"timestamp": result["timestamp"], **result["indicators"]["quote"][0]}


def test_two_beats_double_nothing(fleet: Fleet) -> None:
    fleet.define("TICK", symbols=["AAPL"], schedule={"interval": "R/PT1S", "concurrency": "allow"})
    for _ in range(2):
        fleet.beat()
    fleet.worker()
    eventually(lambda: len(fleet.container.reports.occurrences()) >= 8, within=40, tell=fleet.logs)
    scheduled = [report.occurrence.scheduled_for for report in fleet.container.reports.occurrences(limit=1000)]
    assert len(set(scheduled)) == len(scheduled)


@on_sqlite
def test_one_bad_ticker_fails_and_the_others_land(fleet: Fleet) -> None:
    fleet.beat()
    fleet.worker()
    report = fleet.collect("MIXED", symbols=["AAPL", "NOSUCH", "MSFT"])
    assert report.occurrence.state is State.FAILED
    [(task, _)] = report.details
    assert "NOSUCH" in (task.error or "")
    assert [held.symbol for held in fleet.container.reports.holdings()] == ["AAPL", "MSFT"]


@on_postgresql
def test_a_failing_download_is_retried_and_lands(fleet: Fleet, yahoo: SimulatorClient) -> None:
    yahoo.fault("status", status=503, symbol="MSFT", times=1)
    fleet.beat()
    fleet.worker()
    retry = {"initial": "PT0.1S", "cap": "PT0.1S"}
    report = fleet.collect("RETRIED", symbols=["AAPL", "MSFT"], retry=retry)
    assert report.occurrence.state is State.COMPLETED
    assert fleet.attempts(str(report.occurrence.id)) == [State.RETRIED, State.COMPLETED]


def test_a_worker_killed_in_mid_batch_loses_and_doubles_nothing(fleet: Fleet, yahoo: SimulatorClient) -> None:
    symbols = [f"SIM{number:04d}" for number in range(1, 9)]
    yahoo.fault("latency", seconds=0.5)
    fleet.beat()
    first = fleet.worker()
    fleet.define("KILLED", symbols=symbols, batchSize=4, mode="backfill", window={"period": "P30D"})
    occurrence = fleet.trigger("KILLED")
    eventually(lambda: State.RUNNING in fleet.attempts(occurrence), tell=fleet.logs)
    first.kill()
    yahoo.disarm()
    fleet.worker()
    report = fleet.ended(occurrence)
    assert report.occurrence.state is State.COMPLETED
    states = fleet.attempts(occurrence)
    assert states.count(State.COMPLETED) == 2
    assert State.LOST in states
    assert {held.symbol for held in fleet.container.reports.holdings()} == set(symbols)


@on_sqlite
def test_workers_show_themselves_and_sign_off(fleet: Fleet) -> None:
    worker = fleet.worker("historical", slots=3)
    eventually(lambda: bool(fleet.container.reports.workers()), tell=fleet.logs)
    [shown] = fleet.container.reports.workers()
    assert (shown.lanes, shown.concurrency, shown.pool) == (("historical",), 3, "prefork")
    worker.stop()
    assert fleet.container.reports.workers() == []
