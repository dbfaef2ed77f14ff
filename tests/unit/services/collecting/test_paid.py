"""What was paid is told in the shares of the bars beside it, and each split counts once, whenever it is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from stockjobs.domain.market.intervals import Interval
from stockjobs.services.market.quarantine import Quarantine
from stockjobs.store import tables
from stockjobs.store.database import Database
from tests.fixtures.database import ManualClock
from tests.fixtures.source import Event, Source
from tests.unit.services.collecting.test_whole_flow import DAY, DAYS, HOURS, Collector

D1, W1, H1 = Interval.D1, Interval.W1, Interval.H1
EARLY = timedelta(hours=-30)


@dataclass(frozen=True)
class Case:
    """A source, and the windows that are asked for between the moment at which it applies its first split and its ex-day."""

    splits: tuple[Event, ...] = (Event(42, 10.0, EARLY),)
    dividends: tuple[Event, ...] = (Event(8, 1.0),)
    windows: tuple[tuple[Interval, int, int], ...] = ((D1, 4, 15),)
    intervals: tuple[Interval, ...] = (D1,)

    def collector(self, database: Database) -> Collector:
        """Who asks about it; the first ordinary run asks from its twentieth day on."""
        moves = np.random.default_rng(1).normal(0, 0.004, DAYS * HOURS)
        return Collector(database, Source(date(2025, 9, 1), moves, self.splits, self.dividends), begins=30 * DAY)

    def until_held(self, collector: Collector) -> None:
        """Ordinary runs until the source applies the first split, then the windows."""
        source = collector.source
        for interval in self.intervals:
            collector.run(interval, source.opens(39) + timedelta(hours=7))
        for number, (interval, first, last) in enumerate(self.windows):
            window = (source.opens(first) - timedelta(hours=1), source.opens(last))
            collector.run(interval, source.opens(41) + timedelta(minutes=-30 + number), window)

    def until_told(self, collector: Collector) -> None:
        """Ordinary runs after the first split is told."""
        for day in range(42, 45 + 2 * len(self.splits)):
            for interval in self.intervals:
                collector.run(interval, collector.source.opens(day) + timedelta(hours=7))


def paid(collector: Collector) -> list[tuple[float, float]]:
    """What is known of payments: in shares of now, and by how much these have become more since."""
    table = tables.corporate_actions
    of = (table.c.instrument_id == collector.number(), table.c.kind != "split", table.c.replaced_by.is_(None))
    with collector.database.read() as connection:
        query = select(table.c.value, table.c.split_factor).where(*of).order_by(table.c.at)
        return [tuple(row) for row in connection.execute(query)]  # type: ignore[misc]


def truth(collector: Collector) -> list[tuple[object, object]]:
    """The same as it is."""
    source = collector.source
    factors = source.factors(D1, [source.opens(one.day) for one in source.dividends])
    told = [(one.value / factor, factor) for one, factor in zip(source.dividends, factors, strict=True)]
    return [(pytest.approx(value, rel=1e-4), pytest.approx(factor, rel=1e-4)) for value, factor in told]


def held(collector: Collector) -> list[str]:
    """The findings about bars that are set aside."""
    table = tables.findings
    of = (table.c.instrument_id == collector.number(), table.c.kind == "rejected-bar", table.c.state == "open")
    with collector.database.read() as connection:
        return [str(key) for key in connection.execute(select(table.c.id).where(*of)).scalars()]


CASES = {
    "on a day long before, on the last one and on the ex-day": Case(
        dividends=(Event(8, 1.0), Event(41, 2.0), Event(42, 3.0))
    ),
    "known before, in a source that applies the split late": Case(
        (Event(42, 0.05, 3 * DAY),), dividends=(Event(39, 1.0),), windows=()
    ),
    "another split later": Case((Event(42, 10.0, EARLY), Event(46, 2.0))),
    "windows that overlap": Case(windows=((D1, 4, 9), (D1, 7, 15))),
    "days and weeks": Case(windows=((D1, 4, 15), (W1, 4, 15)), intervals=(D1, W1)),
    "weeks alone": Case(windows=((W1, 4, 15),), intervals=(W1, D1)),
    "hours that came in new shares, beside which no days are": Case(
        (Event(42, 3.0, EARLY),), windows=((H1, 4, 15),), intervals=(D1, H1)
    ),
    "hours that came in new shares, and days after them": Case(
        (Event(42, 3.0, EARLY),), windows=((H1, 4, 15), (D1, 4, 15)), intervals=(D1, H1)
    ),
    "weeks that came in new shares": Case((Event(42, 0.5, EARLY),), windows=((W1, 4, 15),), intervals=(D1, W1)),
    "hours and days": Case(windows=((H1, 7, 15), (D1, 4, 15)), intervals=(H1, D1)),
}


def test_what_was_paid_on_days_that_are_set_aside_until_a_split_is_told_is_right_then(database: Database) -> None:
    for name, case in CASES.items():
        collector = case.collector(database)
        case.until_held(collector)
        case.until_told(collector)
        assert (name, paid(collector), held(collector)) == (name, truth(collector), [])


@pytest.mark.parametrize("verb", ["release", "reject"])
def test_what_was_paid_on_days_about_which_somebody_has_decided_before_a_split_is_told_is_right_then(
    database: Database, clock: ManualClock, verb: str
) -> None:
    for case in (Case(), Case((Event(42, 0.1, EARLY),))):
        collector = case.collector(database)
        case.until_held(collector)
        clock.now = collector.source.opens(41)
        getattr(Quarantine(database), verb)(held(collector), by="ann")
        case.until_told(collector)
        assert paid(collector) == truth(collector)


def test_what_was_paid_before_two_splits_of_which_nobody_knew_has_both_once_they_are_told(database: Database) -> None:
    case = Case((Event(20, 4.0), Event(24, 0.5)), windows=())
    collector = case.collector(database)
    source = collector.source
    for first, last in ((4, 15), (13, 30)):
        window = (source.opens(first) - timedelta(hours=1), source.opens(last))
        collector.run(D1, source.opens(40), window)
    assert paid(collector) == truth(collector)


def test_what_came_with_hours_in_old_shares_is_told_anew_with_the_days_beside_it(database: Database) -> None:
    case = Case((Event(42, 3.0),), windows=((H1, 4, 15), (D1, 4, 15)), intervals=(D1,))
    collector = case.collector(database)
    case.until_held(collector)
    case.until_told(collector)
    assert paid(collector) == truth(collector)
