"""Reading stored bars as columns: whole as a table, or as a stream of batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import pyarrow as pa

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery, Factors, refuse_future
from stockjobs.errors import InvalidInput, NotFound
from stockjobs.providers import registry
from stockjobs.services.market.adjusting import Adjusting
from stockjobs.services.market.calendars import zone_of
from stockjobs.services.market.shaping import SCHEMA, Names, shape
from stockjobs.store.columns import Columns, Snapshot
from stockjobs.store.database import Connection, Database
from stockjobs.store.market import elsewhere, former, instruments, landings, reading, spans
from stockjobs.store.market.elsewhere import Elsewhere
from stockjobs.store.market.former import Former, NotYet
from stockjobs.store.market.instruments import Instrument
from stockjobs.store.market.reading import Dialect, Selection
from stockjobs.store.market.spans import Span


@dataclass(frozen=True)
class _Meant:
    """A query whose symbols and moment have been looked up."""

    query: BarsQuery
    instruments: Sequence[Instrument]
    former: Sequence[Former]
    landing: int | None

    def selection(self, places: Sequence[int]) -> Selection:
        """The rows of the symbols at some places."""
        query, numbers = self.query, [self.instruments[place].id for place in places]
        return Selection(numbers, query.interval, query.start, query.end, self.landing)

    def names(self, places: Sequence[int], factors: Mapping[int, Factors]) -> Names:
        """How rows of the symbols at some places are to be shaped."""
        return Names(self.query.symbols, {place: self.instruments[place].id for place in places}, factors)


@dataclass(frozen=True)
class Absence:
    """Of an instrument without the bars that were asked for: from when until when there are such bars, or at which other
    intervals there are any; and where a moment was asked for, when the first data landed, and what its symbol named then if
    that was something else."""

    span: Span | None
    others: tuple[Interval, ...]
    first_landing_at: datetime | None
    not_yet: NotYet | None = None


class Reading:
    """Reads bars; keeps its connections open for the next who reads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._columns = Columns(database)
        self._dialect = Dialect(database.is_postgresql)

    def known(self, provider: str, symbols: Sequence[str]) -> dict[str, Instrument]:
        """The instruments that bear these symbols now, or bore them last; unknown symbols are left out."""
        with self._database.read() as connection:
            return _bearers(connection, provider, symbols)[0]

    def former(self, provider: str, symbols: Sequence[str]) -> Sequence[Former]:
        """Those of these symbols that name nobody any more, and what became of them."""
        with self._database.read() as connection:
            return list(former.formerly(connection, provider, symbols).values())

    def elsewhere(self, provider: str, symbols: Sequence[str]) -> Sequence[Elsewhere]:
        """Of symbols that are not known at a provider, which others know them."""
        with self._database.read() as connection:
            return elsewhere.elsewhere(connection, provider, symbols)

    def absence(self, query: BarsQuery, instrument: Instrument) -> Absence:
        """What there is to say of an instrument of which a query finds no bars."""
        with self._database.read() as connection:
            span = spans.span(connection, instrument.id, query.interval)
            others = () if span else tuple(spans.intervals(connection, instrument.id))
            if query.as_of is None:
                return Absence(span, others, None)
            symbol = instrument.symbol
            not_yet = former.not_yet(connection, query.provider, [symbol], query.as_of).get(symbol)
            return Absence(span, others, landings.first_at(connection), not_yet)

    def unknown_then(self, query: BarsQuery, symbols: Sequence[str]) -> list[str]:
        """Why nothing was known of some symbols at the moment that a query is about, in words; nothing of those that were."""
        if query.as_of is None or not symbols:
            return []
        with self._database.read() as connection:
            first = landings.first_at(connection)
            if first is not None and first > query.as_of:
                return [f"no bars were known at {_second(query.as_of)}: the first data landed at {_second(first)}"]
            others = former.not_yet(connection, query.provider, symbols, query.as_of)
        return [f"no bars of {symbol} were known at {_second(query.as_of)}: {one}" for symbol, one in others.items()]

    def every(self, provider: str, interval: Interval) -> dict[str, Instrument]:
        """The instruments of a provider that have bars at an interval, by their symbols, in the order in which they lie."""
        with self._database.read() as connection:
            symbols = reading.symbols_with(connection, provider, interval)
            found = instruments.by_symbol(connection, provider, symbols)
        return {symbol: found[symbol] for symbol in symbols}

    def table(self, query: BarsQuery, tell: Callable[[Former], None] = lambda _: None) -> pa.Table:
        """The bars that are meant, as one table of `shaping.SCHEMA`: by symbol as asked for, then by time.

        A symbol that names nobody any more means what bore it last, which `tell` is told. Raises NotFound for one that nothing
        is stored for, InvalidInput for a window or a moment that cannot be.
        """
        meant = self._meant(query)
        for one in meant.former:
            tell(one)
        every = range(len(meant.instruments))
        # Rows say of which instrument they are, so two names of one instrument cannot be told apart in one answer.
        has_twins = len({one.id for one in meant.instruments}) < len(every)
        with self._columns.snapshot() as snapshot:
            factors = self._factors(snapshot, meant)
            parts = _runs(meant.instruments) if has_twins else [every]
            return pa.concat_tables([self._part(snapshot, meant, part, factors) for part in parts])

    def stream(self, query: BarsQuery) -> Generator[pa.RecordBatch]:
        """The same, batch by batch, of one state of the data, however much it is. Raises NotFound."""
        meant = self._meant(query)
        with self._columns.snapshot(in_order=True) as snapshot:
            factors = self._factors(snapshot, meant)
            for part in _runs(meant.instruments):
                names = meant.names(part, factors)
                for batch in snapshot.batches(self._asked(meant, part, in_order=True)):
                    yield from shape(pa.Table.from_batches([batch]), names, is_ordered=True).to_batches()

    def close(self) -> None:
        """Give the connections back."""
        self._columns.close()

    def _meant(self, query: BarsQuery) -> _Meant:
        if not query.symbols:
            raise InvalidInput.because("symbols", "there are none", "name at least one")
        query.check()
        with self._database.read() as connection:
            known, renamed = _bearers(connection, query.provider, query.symbols)
            landing = None if query.as_of is None else _landing(connection, query.as_of, self._database.now(connection))
            missing = [symbol for symbol in query.symbols if symbol not in known][:1]
            others = elsewhere.elsewhere(connection, query.provider, missing)
        if not known:
            # What is stored of one can be read also where it is not installed.
            registry.check_name(query.provider)
        for one in others:
            raise NotFound(str(one))
        return _Meant(query, [known[symbol] for symbol in query.symbols], renamed, landing)

    def _part(self, snapshot: Snapshot, meant: _Meant, part: Sequence[int], factors: Mapping[int, Factors]) -> pa.Table:
        # Sorting here costs less than the server's sort, which writes what it sorts to its disk.
        batches = list(snapshot.batches(self._asked(meant, part, in_order=False)))
        if not batches:
            return SCHEMA.empty_table()
        return shape(pa.Table.from_batches(batches), meant.names(part, factors), is_ordered=False)

    def _asked(self, meant: _Meant, part: Sequence[int], *, in_order: bool) -> str:
        as_traded = meant.query.adjusted is Adjusted.NONE
        return reading.bars_of(meant.selection(part), self._dialect, as_traded=as_traded, in_order=in_order)

    def _factors(self, snapshot: Snapshot, meant: _Meant) -> dict[int, Factors]:
        if meant.query.adjusted is not Adjusted.ALL:
            return {}
        selection = meant.selection(range(len(meant.instruments)))
        zones = {one.id: zone_of(one) for one in meant.instruments}
        found = Adjusting(snapshot, self._dialect, zones).factors(selection)
        return {place: found[one.id] for place, one in enumerate(meant.instruments) if one.id in found}


def _second(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%SZ}"


def _bearers(
    connection: Connection, provider: str, symbols: Sequence[str]
) -> tuple[dict[str, Instrument], Sequence[Former]]:
    """The instruments that bear symbols now, or bore them last, and the symbols that name nobody any more."""
    now = instruments.by_symbol(connection, provider, symbols)
    then = former.formerly(connection, provider, [symbol for symbol in symbols if symbol not in now])
    return {**now, **{symbol: one.instrument for symbol, one in then.items()}}, list(then.values())


def _landing(connection: Connection, as_of: datetime, now: datetime) -> int:
    """The last landing that was known at a moment. Raises InvalidInput for one to come."""
    refuse_future(as_of, now)
    return landings.as_of(connection, as_of)


def _runs(found: Sequence[Instrument]) -> list[range]:
    """The places in runs of rising numbers, whose rows a statement in order gives as they were asked for."""
    if not found:
        return []
    ends = [place + 1 for place, (one, other) in enumerate(pairwise(found)) if other.id <= one.id]
    return [range(start, end) for start, end in pairwise([0, *ends, len(found)])]
