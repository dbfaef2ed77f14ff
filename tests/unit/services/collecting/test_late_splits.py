"""A source that applies a split some time after its ex-day, to what is collected for the first time by then, and to hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from stockjobs.domain.market.coverage import Cause
from stockjobs.domain.market.intervals import Interval
from stockjobs.providers import registry
from stockjobs.services.market.coverage import CoverageService
from stockjobs.services.market.covered import Coverage, Wanted
from stockjobs.store import tables
from stockjobs.store.database import Database
from tests.fixtures.database import ManualClock
from tests.fixtures.source import Event, Source
from tests.unit.services.collecting.test_paid import paid, truth
from tests.unit.services.collecting.test_whole_flow import DAY, DAYS, FIRST, HOURS, Collector

D1, W1, H1 = Interval.D1, Interval.W1, Interval.H1
LEFT = ("rejected-bar", "unclear-shares", "varying-ratio")


def source_of(split: Event, first: date = FIRST) -> Source:
    moves = np.random.default_rng(1).normal(0, 0.004, DAYS * HOURS)
    return Source(first, moves, (split,), (Event(8, 1.0), Event(38, 2.0)))


def looked(collector: Collector, interval: Interval) -> Coverage:
    service = CoverageService(collector.database, registry.limits)
    [found] = service.look(Wanted("yahoo", (collector.symbol,), interval))
    return found


def closes(collector: Collector, interval: Interval) -> Sequence[object]:
    return [row[4] for row in collector.rows(interval)]


def kinds_left(collector: Collector) -> set[object]:
    return {row[0] for row in collector.open_findings(*LEFT)}


def test_a_symbol_first_collected_before_the_source_applies_its_split_gets_its_history_by_itself(
    database: Database, clock: ManualClock
) -> None:
    for number, (interval, ratio) in enumerate([(D1, 2.0), (D1, 0.1), (H1, 10.0), (W1, 2.0)]):
        source = source_of(Event(40, ratio, timedelta(hours=40)), FIRST + number * 52 * 7 * DAY)
        collector = Collector(database, source)
        for day in (41, 42, 43):
            now = source.opens(day) + timedelta(hours=3)
            collector.run(interval, now)
        told = source.bars(interval, source.opens(0) - 7 * DAY, now, now)
        assert closes(collector, interval) == told.close.astype(np.float32).tolist(), (interval, ratio)
        assert collector.open_findings(*LEFT) == []
        assert paid(collector) == truth(collector)


def test_what_a_series_begins_with_in_old_shares_is_missing_until_it_comes_again(
    database: Database, clock: ManualClock
) -> None:
    source = source_of(Event(40, 2.0, timedelta(hours=40)))
    collector = Collector(database, source)
    collector.run(D1, source.opens(41) + timedelta(hours=3))
    clock.now = source.opens(41) + timedelta(hours=3)
    found = looked(collector, D1)
    assert (found.expected, found.stored) == (40, 1)
    assert {hole.cause for hole in found.holes} == {Cause.SET_ASIDE}


def test_a_source_that_never_applies_a_split_is_asked_for_two_weeks(database: Database) -> None:
    source = source_of(Event(40, 2.0, timedelta(days=90)))
    collector = Collector(database, source)
    for days, left in (
        (1, {"rejected-bar", "unclear-shares"}),
        (13, {"rejected-bar", "unclear-shares"}),
        (15, {"rejected-bar"}),
    ):
        collector.run(D1, source.opens(40) + days * DAY)
        assert kinds_left(collector) == left


def test_hours_held_until_a_split_was_applied_are_settled_where_the_overlap_does_not_reach_back_to_it(
    database: Database,
) -> None:
    for number, (ratio, late, after) in enumerate([(2.0, 26, 0.5), (10.0, 50, 3)]):
        source = source_of(Event(40, ratio, timedelta(hours=late)), FIRST + number * 52 * 7 * DAY)
        collector = Collector(database, source)
        for day in range(38, 46):
            collector.run(H1, source.opens(day) + timedelta(hours=after))
        assert was_held(collector)
        assert collector.open_findings(*LEFT) == []


def test_a_week_that_was_unfinished_when_its_split_was_told_of_follows_a_source_that_applies_it_late(
    database: Database,
) -> None:
    for number, ratio in enumerate([1.25, 1.3, 0.8]):
        source = source_of(Event(20, ratio, timedelta(hours=26)), FIRST + number * 52 * 7 * DAY)
        collector = Collector(database, source, begins=20 * DAY)
        for day in range(19, 24):
            now = source.opens(day) + timedelta(hours=3)
            collector.run(W1, now)
        told = source.bars(W1, collector.ats(W1)[0], now, now)
        assert closes(collector, W1) == told.close.astype(np.float32).tolist(), ratio
        assert collector.factors(W1) == [pytest.approx(ratio), 1.0]
        assert collector.open_findings(*LEFT) == []


def was_held(collector: Collector) -> bool:
    table = tables.findings
    of = (table.c.instrument_id == collector.number(), table.c.rule == "unsplit")
    with collector.database.read() as connection:
        return connection.execute(select(table.c.id).where(*of)).first() is not None
