"""Asking from Python for work that starts later, or after other work."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import stockjobs
from stockjobs.domain.work.states import State
from stockjobs.errors import InvalidInput, NotFound, SymbolUnknown
from stockjobs.face import process
from tests.fixtures.cli import Ctl


@pytest.fixture
def ledger(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """The functions of `import stockjobs` on the test's own ledger."""
    monkeypatch.setattr(process, "container", lambda: ctl.container)
    return ctl


def work(ledger: Ctl) -> None:
    ledger.work()
    ledger.container.dispatch.waiting.resolve()


def test_work_after_other_work_waits_for_it(ledger: Ctl) -> None:
    first = stockjobs.submit("AAPL")
    second = stockjobs.backfill("MSFT", period="P5D", after=first)
    third = stockjobs.submit("NVDA", after=[first, second.id])
    assert [one.state for one in (first, second, third)] == [State.QUEUED, State.SCHEDULED, State.SCHEDULED]
    [awaited] = second.report().waits_for
    assert (str(awaited.occurrence_id), awaited.state) == (first.id, State.QUEUED)
    work(ledger)
    assert [one.state for one in (first, second, third)] == [State.COMPLETED, State.QUEUED, State.SCHEDULED]
    work(ledger)
    assert third.state is State.QUEUED


def test_waiting_gives_the_outcome_the_rows_and_the_errors_of_each_attempt(ledger: Ctl) -> None:
    ledger.provider.errors = {"MSFT": [SymbolUnknown("nobody knows it")]}
    run = stockjobs.submit(["AAPL", "MSFT"], tags=["research"], description="A look.", retry={"maxRetries": 0})
    ledger.work()
    report = run.wait(timeout=10)
    assert (report.state, report.symbols, report.errors) == (State.FAILED, 1, ["MSFT: nobody knows it"])
    [attempt] = report.attempts
    assert attempt.rows_written == attempt.rows_received == report.rows_written > 0
    assert attempt.requests == 2
    assert report.spec is not None
    assert (report.spec.tags, report.spec.description) == (("research",), "A look.")


def test_waiting_for_what_never_started_says_why(ledger: Ctl) -> None:
    ledger.provider.errors = {"AAPL": [SymbolUnknown("nobody knows it")]}
    first = stockjobs.submit("AAPL", retry={"maxRetries": 0})
    second = stockjobs.submit("MSFT", after=first, on_failure="fail")
    work(ledger)
    report = second.wait(timeout=10)
    assert report.state is State.FAILED
    assert report.errors == [f"it waited for {first.job!r}, which failed"]


def test_a_wait_that_is_too_short_says_so_and_the_work_goes_on(ledger: Ctl) -> None:
    run = stockjobs.submit("AAPL", start_after=timedelta(hours=1))
    with pytest.raises(TimeoutError, match="still scheduled"):
        run.wait(timeout=0.01)
    assert run.state is State.SCHEDULED


@pytest.mark.parametrize("length", [timedelta(minutes=10), "PT10M"])
def test_a_later_start_may_be_a_length_of_time(ledger: Ctl, length: timedelta | str) -> None:
    one = stockjobs.submit("AAPL", start_after=length).report().occurrence
    assert one.start_after is not None
    assert abs(one.start_after - one.scheduled_for - timedelta(minutes=10)) < timedelta(seconds=10)


@pytest.mark.parametrize("when", [date(2190, 1, 2), "2190-01-02", datetime(2190, 1, 2, tzinfo=UTC)])
def test_a_scheduled_time_may_be_a_day_or_an_instant(ledger: Ctl, when: Any) -> None:
    ledger.apply("DAILY")
    one = stockjobs.trigger("DAILY", scheduled_at=when).report().occurrence
    assert (one.scheduled_for, one.state) == (datetime(2190, 1, 2, tzinfo=UTC), State.SCHEDULED)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"start_after": timedelta(seconds=-5)}, "start_after: -5 s is a negative time"),
        ({"start_after": "-PT5M"}, "start_after: '-PT5M' is not a positive duration"),
        ({"start_after": timedelta.max}, "start_after: 999999999 days is too long"),
        ({"start_after": "soon"}, "start_after: 'soon' is not a day or an instant"),
        (
            {"scheduled_at": "1066-10-14"},
            "scheduled_at: 1066-10-14T00:00:00+00:00 is outside of the years 1970 to 2199",
        ),
        ({"scheduled_at": "0001-01-01T00:00:00+14:00"}, "scheduled_at: 0001-01-01T00:00:00+14:00 is no instant of UTC"),
        ({"after": [], "on_failure": "ignore"}, "on_failure: 'ignore' is not one of skip, fail, run"),
        ({"period": "5 days"}, "period: '5 days' is not a length of time"),
    ],
)
def test_what_cannot_be_is_refused_and_makes_no_job(ledger: Ctl, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        stockjobs.submit("AAPL", **arguments)
    assert told in str(refused.value)
    assert stockjobs.jobs() == []


def test_what_is_not_there_cannot_be_waited_for(ledger: Ctl) -> None:
    with pytest.raises(NotFound):
        stockjobs.submit("AAPL", after="0123456789abcdef0123456789abcdef")
    assert stockjobs.jobs() == []


def test_work_that_no_worker_takes_is_told_at_once_where_it_was_asked_for(ledger: Ctl) -> None:
    for ask in (stockjobs.submit, stockjobs.backfill):
        with pytest.warns(UserWarning, match="no worker has shown itself in sqlite.*: start one with `celery") as told:
            ask("AAPL")
        assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stockjobs.submit("AAPL", start_after="10m")
