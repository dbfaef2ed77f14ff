"""The provider `yahoo`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.market.bars import BarsReply, BarsRequest, FactsReply
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.symbols import normalise
from stockjobs.providers.base import Patience
from stockjobs.providers.yahoo.connection import Connection
from stockjobs.providers.yahoo.engines import BarsEngine, ChartEngine
from stockjobs.providers.yahoo.history import HistoryEngine
from stockjobs.providers.yahoo.limits import limits
from stockjobs.providers.yahoo.options import Engine, YahooOptions
from stockjobs.providers.yahoo.statements import read_company


class YahooProvider:
    """Market data of Yahoo Finance. It may be made before a fork: each process connects by itself."""

    name = "yahoo"

    def __init__(self, options: YahooOptions) -> None:
        self._connection = Connection(options)
        self._engine: BarsEngine = _ENGINES[options.engine](self._connection)

    def bars(self, request: BarsRequest, *, now: datetime, patience: Patience) -> BarsReply:
        """The bars of a window. Raises a `ProviderError`, or `InvalidInput` for what is no symbol."""
        checked = replace(request, symbol=normalise(request.symbol))
        return self._engine.bars(checked, now=now, patience=patience)

    def facts(self, symbol: str, *, now: datetime, patience: Patience) -> FactsReply:
        """The statements and profile of a company. Raises as `bars` does."""
        return read_company(self._connection, normalise(symbol), now=now, patience=patience)

    def limits(self, interval: Interval) -> Limits:
        """How long a window of this interval may be, and how far back it may begin."""
        return limits(interval)

    def close(self) -> None:
        """Close this process's connection; the next call opens another."""
        self._connection.close()


_ENGINES: dict[Engine, Callable[[Connection], BarsEngine]] = {"chart": ChartEngine, "history": HistoryEngine}
