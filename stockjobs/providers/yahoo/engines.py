"""What reads bars for the provider: the chart engine, and what it shares with yfinance's own (see `history`)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest
from stockjobs.providers.base import Patience
from stockjobs.providers.yahoo.chart import read_chart
from stockjobs.providers.yahoo.connection import Connection
from stockjobs.providers.yahoo.halves import joined
from stockjobs.providers.yahoo.hours import inside_hours
from stockjobs.providers.yahoo.live import mark_provisional, settle
from stockjobs.providers.yahoo.query import query_for, reply_to
from stockjobs.providers.yahoo.replies import NoRows


class BarsEngine(Protocol):
    """A way to turn a request into bars."""

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        """The bars of a window. Raises a `stockjobs.errors.ProviderError`."""
        ...


class ChartEngine:
    """Reads the chart's JSON straight into columns."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        """The bars of a window. Raises a `stockjobs.errors.ProviderError`."""
        query = query_for(request)
        try:
            body = self._connection.get(query.path, query.params, patience)
        except NoRows:
            return BarsReply(None, Bars.empty())
        chart = read_chart(body, request.symbol, query.granularity.value)
        rows = inside_hours(chart.rows, query.granularity, chart.meta)
        rows = settle(rows, query.granularity, chart.meta)
        if query.granularity is not request.interval:
            rows = joined(rows, chart.meta)
        rows = mark_provisional(rows, request.interval, chart.meta, now)
        return reply_to(request, chart.meta, rows, chart.actions)
