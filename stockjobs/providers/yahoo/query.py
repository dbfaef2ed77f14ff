"""The question that a request becomes: the chart's path and parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

from stockjobs.domain.market.bars import Bars, BarsReply, BarsRequest, CorporateAction
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers.yahoo.connection import quoted
from stockjobs.providers.yahoo.meta import Meta


@dataclass(frozen=True)
class Query:
    """What is asked of Yahoo for a request. `granularity` is the interval that is fetched."""

    request: BarsRequest
    granularity: Interval

    @property
    def path(self) -> str:
        """The path of the chart."""
        return f"/v8/finance/chart/{quoted(self.request.symbol)}"

    @property
    def end(self) -> int:
        """The end of the window in epoch seconds; later by one row where bars are made from two rows."""
        more = 0 if self.granularity is self.request.interval else self.granularity.seconds
        return math.ceil(self.request.end.timestamp()) + more

    @property
    def start(self) -> int:
        """The start of the window in epoch seconds."""
        return math.floor(self.request.start.timestamp())

    @property
    def params(self) -> dict[str, str | int]:
        """The parameters of the chart."""
        return {
            "period1": self.start,
            "period2": self.end,
            "interval": self.granularity.value,
            "includePrePost": "false",
            "events": "div,splits,capitalGains",
        }


def query_for(request: BarsRequest) -> Query:
    """The question for a request: 30 minutes are asked for as 15 (see `halves`)."""
    return Query(request, Interval.M15 if request.interval is Interval.M30 else request.interval)


def reply_to(request: BarsRequest, meta: Meta, bars: Bars, actions: tuple[CorporateAction, ...]) -> BarsReply:
    """The answer, cut to the window: Yahoo adds the latest price and its whole bar to whatever is asked for."""
    start, end = request.start.timestamp(), request.end.timestamp()
    is_inside = (bars.at >= start) & (bars.at < end)
    inside = bars if is_inside.all() else bars.where(is_inside)
    within = tuple(action for action in actions if request.start <= action.at < request.end)
    return BarsReply(meta.identity, inside, within)
