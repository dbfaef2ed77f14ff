"""The question that a request becomes, and the window of its answer."""

from __future__ import annotations

from datetime import UTC, datetime

from stockjobs.domain.market.bars import BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.yahoo.chart import read_chart
from stockjobs.providers.yahoo.query import query_for, reply_to
from tests.fixtures.charts import at, chart

START = datetime(2026, 6, 5, 13, 30, tzinfo=UTC)
END = datetime(2026, 6, 8, 13, 30, tzinfo=UTC)


def test_the_symbol_is_quoted_in_the_path() -> None:
    assert query_for(BarsRequest("^GSPC", Interval.D1, START, END)).path.endswith("/chart/%5EGSPC")
    assert query_for(BarsRequest("EURUSD=X", Interval.D1, START, END)).path.endswith("/chart/EURUSD%3DX")
    assert query_for(BarsRequest("../x?y#", Interval.D1, START, END)).path.endswith("/chart/..%2Fx%3Fy%23")


def test_half_hours_are_asked_for_as_quarters_with_one_quarter_more() -> None:
    query = query_for(BarsRequest("AAPL", Interval.M30, START, END))
    assert query.params["interval"] == "15m"
    assert query.params["period2"] == int(END.timestamp()) + 900


def test_the_start_belongs_to_the_window_and_the_end_does_not() -> None:
    days = ["2026-06-04T09:30-04:00", "2026-06-05T09:30-04:00", "2026-06-08T09:30-04:00"]
    events = {"dividends": {day: {"amount": 1.0, "date": at(day)} for day in days}}
    read = read_chart(chart(days, [1, 2, 3], events=events), "AAPL", "1d")
    reply = reply_to(BarsRequest("AAPL", Interval.D1, START, END), read.meta, read.rows, read.actions)
    assert reply.bars.close.tolist() == [2.0]
    assert [action.at for action in reply.actions] == [START]
