"""Bars as a table for people: rounded, by the clock of their exchange, the newest of each symbol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from stockjobs.cli import tables
from stockjobs.cli.views import price
from stockjobs.domain.counting import counted
from stockjobs.domain.market.bars import PRICES
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.money import money
from stockjobs.store.market.instruments import Instrument

if TYPE_CHECKING:
    import pyarrow as pa

NEWEST = 20
"""So many bars of each symbol are shown where nobody says how many."""

_TITLES = ("symbol", "time", *PRICES, "volume", "currency", "")
_NUMBERS = frozenset(range(2, 7))


@dataclass(frozen=True)
class Shown:
    """What is shown of the bars of one symbol: the newest, of how many."""

    instrument: Instrument
    interval: Interval
    newest: pa.Table
    count: int

    @property
    def note(self) -> str | None:
        """That there are more; None if these are all."""
        if self.newest.num_rows == self.count:
            return None
        of = counted(self.count, "bar")
        return f"{self.instrument.symbol}: the newest {self.newest.num_rows:,} of {of}; --limit 0 shows all"

    def rows(self) -> Iterator[list[str]]:
        """The cells of each bar."""
        zone = ZoneInfo(self.instrument.zone or "UTC")
        form = "%Y-%m-%d %H:%M%z" if self.interval.is_intraday else "%Y-%m-%d"
        currency = money(self.instrument.currency, self.instrument.unit)
        for bar in self.newest.to_pylist():
            yield [
                self.instrument.symbol,
                f"{bar['at'].astimezone(zone):{form}}",
                *(price(bar[name]) for name in PRICES),
                "-" if bar["volume"] is None else f"{bar['volume']:,}",
                currency or "-",
                "unfinished" if bar["provisional"] else "",
            ]


def newest_of(instrument: Instrument, interval: Interval, bars: pa.Table, most: int) -> Shown:
    """The newest bars of a symbol, so many at most; 0 for all."""
    count = bars.num_rows
    # Copied, as a slice keeps all of its table: of thousands of symbols that is a gigabyte.
    newest = bars.take(np.arange(count - most, count)) if 0 < most < count else bars
    return Shown(instrument, interval, newest, count)


def lines(shown: Sequence[Shown]) -> Iterator[str]:
    """The lines of one table for all of them; none if there is no bar."""
    rows = [row for one in shown for row in one.rows()]
    yield from tables.lines(_TITLES, rows, right=_NUMBERS) if rows else ()
