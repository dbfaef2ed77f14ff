"""Gaps: sessions of which the source does not have every bar, why, and how often it was asked for them.

A gap that is the source's is asked for again after growing pauses, and in the end no more unless somebody insists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, case, delete, select, update

from stockjobs.domain.market.coverage import PAUSES, Cause, ask_again_at
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.statements import is_among, is_in, upsert

_gaps, _symbols = tables.gaps, tables.symbols

COUNTS_AGAIN_AFTER = timedelta(hours=12)
"""Within so long a second answer without the bars is the same asking: the overlap of a night's runs is no new evidence."""


@dataclass(frozen=True)
class Gap:
    """So many bars of a session that the source did not give, when it was last asked, and how often."""

    instrument_id: int
    interval: Interval
    day: date
    missing: int
    cause: Cause
    asked_at: datetime
    asked: int
    first_seen: datetime

    @property
    def ask_again_at(self) -> datetime | None:
        """When the source is asked again by itself; None for no more."""
        return ask_again_at(self.asked, self.asked_at)

    def is_due(self, now: datetime) -> bool:
        """True if the source is to be asked again: see `stockjobs.domain.market.coverage.PAUSES`."""
        at = self.ask_again_at
        return at is not None and at <= now


def land(connection: Connection, found: Sequence[Gap]) -> int:
    """Write gaps, in the caller's transaction; of one that is known `asked` goes up, at most once in twelve hours.

    Returns how many were new or differed.
    """
    if not found:
        return 0
    ordered = sorted(found, key=lambda gap: (gap.instrument_id, gap.interval.seconds, gap.day))
    statement = upsert(connection, _gaps)
    new = statement.excluded
    is_another = _gaps.c.asked_at <= found[0].asked_at - COUNTS_AGAIN_AFTER
    changed = {
        "missing": new.missing,
        "cause": new.cause,
        "asked_at": case((is_another, new.asked_at), else_=_gaps.c.asked_at),
        "asked": case((is_another, _gaps.c.asked + 1), else_=_gaps.c.asked),
    }
    differs = is_another | (_gaps.c.missing != new.missing) | (_gaps.c.cause != new.cause)
    keys = ["instrument_id", "interval_s", "day"]
    rows = [_row(gap) for gap in ordered]
    statement = statement.on_conflict_do_update(index_elements=keys, set_=changed, where=differs)
    return max(connection.execute(statement, rows).rowcount, 0)


def _row(gap: Gap) -> dict[str, Any]:
    names = ("instrument_id", "day", "missing", "asked_at", "asked", "first_seen")
    return {
        **{name: getattr(gap, name) for name in names},
        "interval_s": gap.interval.seconds,
        "cause": gap.cause.value,
    }


def insist(connection: Connection, instrument: int, interval: Interval, days: Sequence[date], now: datetime) -> int:
    """Let gaps be asked for again now, however often the source did not have them. Returns how many were at rest."""
    which = (_gaps.c.instrument_id == instrument, _gaps.c.interval_s == interval.seconds, is_in(_gaps.c.day, days))
    values = {"asked": 1, "asked_at": now - PAUSES[0]}
    return connection.execute(update(_gaps).where(*which).values(values)).rowcount if days else 0


def clear(connection: Connection, instrument: int, interval: Interval, days: Sequence[date]) -> int:
    """Remove gaps that are filled. Returns how many."""
    which = (_gaps.c.instrument_id == instrument, _gaps.c.interval_s == interval.seconds, is_in(_gaps.c.day, days))
    return connection.execute(delete(_gaps).where(*which)).rowcount if days else 0


def recount(connection: Connection, instrument: int, interval: Interval, missing: Mapping[date, int]) -> None:
    """Bring gaps to what is still missing of their days after some bars were stored; those that lack nothing go."""
    clear(connection, instrument, interval, [day for day, count in missing.items() if not count])
    for day, count in missing.items():
        which = (_gaps.c.instrument_id == instrument, _gaps.c.interval_s == interval.seconds, _gaps.c.day == day)
        if count:
            connection.execute(update(_gaps).where(*which, _gaps.c.missing > count).values(missing=count))


# Made once, as it is asked in each landing.
_OF_SYMBOLS = (
    select(_gaps)
    .join(_symbols, _symbols.c.instrument_id == _gaps.c.instrument_id)
    .where(
        _symbols.c.provider == bindparam("of"),
        is_among(_symbols.c.symbol, "symbols"),
        _symbols.c.valid_to.is_(None),
        _gaps.c.interval_s == bindparam("seconds"),
    )
)


def of_symbols(
    connection: Connection, provider: str, symbols: Sequence[str], interval: Interval
) -> dict[int, dict[date, Gap]]:
    """The gaps of the instruments that bear some symbols now, by instrument and day."""
    asked = {"of": provider, "symbols": list(symbols), "seconds": interval.seconds}
    return _by_instrument(connection.execute(_OF_SYMBOLS, asked).mappings().all())


def of_instruments(
    connection: Connection, instruments: Sequence[int], interval: Interval, first: date, last: date
) -> dict[int, dict[date, Gap]]:
    """The gaps of some instruments from a first to a last day, both included, by instrument and day."""
    query = select(_gaps).where(
        is_in(_gaps.c.instrument_id, instruments),
        _gaps.c.interval_s == interval.seconds,
        _gaps.c.day.between(first, last),
    )
    return _by_instrument(connection.execute(query.order_by(_gaps.c.day)).mappings().all())


def _by_instrument(rows: Sequence[RowMapping]) -> dict[int, dict[date, Gap]]:
    found: dict[int, dict[date, Gap]] = {}
    for row in rows:
        values = {name: row[name] for name in Gap.__dataclass_fields__ if name != "interval"}
        gap = Gap(**{**values, "cause": Cause(row["cause"])}, interval=Interval.from_seconds(row["interval_s"]))
        found.setdefault(gap.instrument_id, {})[gap.day] = gap
    return found
