"""Landing bars: each bar is written once, and again only where it differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType

from sqlalchemy import Connection, select

from stockjobs.domain.asking.planning import first_window
from stockjobs.domain.market.bars import Bars, Prices, chained
from stockjobs.domain.market.changes import changes, overlap_of_all
from stockjobs.domain.market.days import REACH
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.splits import factors
from stockjobs.store import tables
from stockjobs.store.market import actions, bars_postgresql, bars_sqlite
from stockjobs.store.market.bar_rows import Rows, Span, Stored
from stockjobs.store.market.bar_versions import COLUMNS
from stockjobs.store.statements import is_among, upsert_many

_positions = tables.positions
# Made once, as it is asked in each landing of a window.
_NEWEST = select(_positions.c.instrument_id, _positions.c.interval_s, _positions.c.newest_at).where(
    is_among(_positions.c.instrument_id, "instruments")
)

APART = datetime.max.replace(tzinfo=UTC)
"""Where the window begins of bars between which others may be missing: no position moves over them."""


@dataclass(frozen=True)
class Landing:
    """Good bars of one instrument at one interval, oldest first, each time once; a series occurs once in a landing.

    `since` is where the window that was asked for begins; None where it began at the stored position, `APART` where nothing
    says that what came hangs together. `split_factor` has of
    each bar the splits that are in its price; None for all that are known to be after it. `stored` is what is stored of the
    span of the bars, where the caller has read it under `lock` already.
    """

    instrument_id: int
    interval: Interval
    bars: Bars
    since: datetime | None = None
    split_factor: Prices | None = None
    stored: Stored | None = None

    @property
    def span(self) -> Span:
        """From the first bar to the last."""
        return span_of(self.instrument_id, self.interval, self.bars)


def span_of(instrument: int, interval: Interval, bars: Bars) -> Span:
    """The span of bars, of which there must be some."""
    return Span(instrument, interval, int(bars.at[0]), int(bars.at[-1]))


def around(instrument: int, interval: Interval, bars: Bars) -> Span:
    """The span in which the stored bars of the days, weeks or months of these bars are, wherever in them they stand."""
    reach = REACH.get(interval, 0)
    return Span(instrument, interval, int(bars.at[0]) - reach, int(bars.at[-1]) + reach)


def lock(connection: Connection, instruments: Sequence[int]) -> None:
    """Be the only one to land bars of these instruments until the transaction ends."""
    # A writer of SQLite is alone as it is.
    if connection.dialect.name == "postgresql":
        bars_postgresql.lock(connection, sorted(set(instruments)))


def stored(connection: Connection, spans: Sequence[Span]) -> list[Stored]:
    """What is stored of each span."""
    found: list[Stored] = _dialect(connection).stored(connection, spans) if spans else []
    return found


def land(connection: Connection, landings: Sequence[Landing], now: datetime, *, landing: Callable[[], int]) -> int:
    """Write bars, in the caller's transaction. Returns how many were new or differed; equal ones are not written.

    `landing` gives the number of the landing that writes; it is asked only if something is written. A bar that is final is
    not replaced by a provisional one, which must be older news. What a settled bar was is kept as a version.
    """
    given = [one for one in landings if len(one.bars)]
    if not given:
        return 0
    if unread := [one.instrument_id for one in given if one.stored is None]:
        # Of the others it was read under the lock.
        lock(connection, unread)
    new, changed = _sorted_out(given, _stored(connection, given), _factors(connection, given))
    dialect = _dialect(connection)
    if len(new):
        dialect.insert(connection, new, landing())
    if len(changed):
        dialect.keep(connection, changed, landing(), ", ".join(COLUMNS))
        dialect.replace(connection, changed, landing())
    _move_positions(connection, given, now)
    return len(new) + len(changed)


def _dialect(connection: Connection) -> ModuleType:
    return bars_postgresql if connection.dialect.name == "postgresql" else bars_sqlite


def _stored(connection: Connection, landings: Sequence[Landing]) -> list[Stored]:
    unread = [one.span for one in landings if one.stored is None]
    read = iter(stored(connection, unread))
    return [next(read) if one.stored is None else one.stored for one in landings]


def _factors(connection: Connection, landings: Sequence[Landing]) -> list[Prices]:
    unknown = {one.instrument_id for one in landings if one.split_factor is None}
    splits = actions.splits(connection, sorted(unknown)) if unknown else {}
    return [
        factors(one.bars.at, splits.get(one.instrument_id, ())) if one.split_factor is None else one.split_factor
        for one in landings
    ]


def _sorted_out(landings: Sequence[Landing], there: Sequence[Stored], factor: Sequence[Prices]) -> tuple[Rows, Rows]:
    """The rows that are new, and those that replace others."""
    stored_bars, came = [one.bars for one in there], [one.bars for one in landings]
    rows = Rows.of(
        [(one.instrument_id, one.interval, one.bars, splits) for one, splits in zip(landings, factor, strict=True)]
    )
    found = changes(chained(stored_bars), rows.bars, overlap_of_all(stored_bars, came))
    return rows.where(found.new), rows.where(found.changed)


def _move_positions(connection: Connection, landings: Sequence[Landing], now: datetime) -> None:
    """Move the positions on, unless there is a hole between one and what has landed: the next run would leave it for ever."""
    known = _newest_of(connection, sorted({one.instrument_id for one in landings if one.since is not None}))
    moved = [
        {"instrument_id": one.instrument_id, "interval_s": one.interval.seconds, "newest_at": at, "updated_at": now}
        for one in landings
        if (at := _moved(one, known.get((one.instrument_id, one.interval.seconds)), now)) is not None
    ]
    upsert_many(connection, _positions, moved, rising="newest_at")


def _newest_of(connection: Connection, instruments: Sequence[int]) -> dict[tuple[int, int], datetime]:
    """The positions of instruments, by them and nominal seconds."""
    rows = connection.execute(_NEWEST, {"instruments": instruments}) if instruments else ()
    return {(instrument, seconds): at for instrument, seconds, at in rows}


def _moved(landing: Landing, known: datetime | None, now: datetime) -> datetime | None:
    newest = datetime.fromtimestamp(int(landing.bars.at[-1]), UTC)
    if landing.since is None:
        # It goes on from the position, whichever that is.
        return newest
    # The first run of a series without a position would ask from here on.
    whole_until = known or first_window(landing.interval, None, now).start
    return newest if landing.since <= whole_until < newest else None
