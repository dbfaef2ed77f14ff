"""Whatever a source tells and whenever it is asked: in the end the store has what the source has, each thing once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from stockjobs.domain.asking.planning import OVERLAP_BARS
from stockjobs.domain.market.bars import PRICES, Bars, BarsReply, BarsRequest, Identity
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import BarsQuery
from stockjobs.services.collecting.fetching import Answer, Fetched
from stockjobs.services.collecting.landing import land
from stockjobs.services.market.reading import Reading
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import positions
from stockjobs.store.market import reading as stored_bars
from tests.fixtures.database import ManualClock
from tests.fixtures.source import ZONE, Event, Source
from tests.unit.services.collecting.test_actions import Desk

D1, W1, H1 = Interval.D1, Interval.W1, Interval.H1
DAYS, HOURS = 60, 7
FIRST = date(2025, 9, 1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Run:
    """Something that is asked for at a time, in hours since the open of the first day: a window in days, None for what is new."""

    after: int
    interval: Interval
    window: tuple[int, int] | None = None


@dataclass
class Collector:
    """Asks a source about a symbol of its own, as runs do, and remembers what was stored when.

    The first ordinary run asks from so long after the first day on.
    """

    database: Database
    source: Source
    symbol: str = field(default_factory=lambda: f"S{uuid4().hex[:12]}")
    begins: timedelta = -7 * DAY
    then: dict[tuple[datetime, Interval], list[tuple[object, ...]]] = field(default_factory=dict)

    def run(self, interval: Interval, now: datetime, window: tuple[datetime, datetime] | None = None) -> None:
        """One attempt, and another where its answer came too late to be trusted."""
        start, end = window or (self._start(interval), now)
        for again in range(3):
            now += timedelta(seconds=20 * again)
            request = BarsRequest(self.symbol, interval, start, min(end, now))
            came = self.source.bars(interval, start, min(end, now), now)
            identity = Identity(self.symbol, "NMS", "America/New_York", "USD", "EQUITY")
            reply = BarsReply(identity, came, self.source.events(start, min(end, now), now))
            desk = Desk(self.database, now)
            with self.database.begin() as connection:
                claim = replace(desk._claim(), window_start=window[0] if window else None)
                landed = land(connection, claim, Fetched({self.symbol: (Answer(request, reply),)}), now)
            if not landed.overtaken:
                break
        self.then[now, interval] = [row for row in self.rows(interval) if not row[-1]]

    def _start(self, interval: Interval) -> datetime:
        table = tables.positions
        of = (table.c.instrument_id == self.number(), table.c.interval_s == interval.seconds)
        with self.database.read() as connection:
            position = connection.execute(select(table.c.newest_at).where(*of)).scalar_one_or_none()
        if position is None:
            return self.source.opens(0) + self.begins
        newest = [row[0] for row in self.rows(interval) if row[0] <= position][-OVERLAP_BARS:][0]  # type: ignore[operator]
        with self.database.read() as connection:
            unclear_at = positions.newest(connection, [self.number()], interval, OVERLAP_BARS)[self.number()].unclear_at
        return min(newest, unclear_at) if unclear_at else newest  # type: ignore[type-var,return-value]

    def number(self) -> int:
        """The instrument."""
        symbols = tables.symbols
        with self.database.read() as connection:
            query = select(symbols.c.instrument_id).where(symbols.c.symbol == self.symbol)
            return int(connection.execute(query).scalar_one_or_none() or 0)

    def rows(self, interval: Interval) -> list[tuple[object, ...]]:
        """When each stored bar opens, its prices, and whether it may still change."""
        with self.database.read() as connection:
            bars = stored_bars.read(connection, self.number(), interval, None, None)
        return _rows(bars)

    def ats(self, interval: Interval) -> list[datetime]:
        """When the stored bars open."""
        return [row[0] for row in self.rows(interval)]  # type: ignore[misc]

    def factors(self, interval: Interval) -> list[float]:
        """By how much the shares of each stored bar have become more."""
        bars = tables.bars
        of = (bars.c.instrument_id == self.number(), bars.c.interval_s == interval.seconds)
        with self.database.read() as connection:
            return list(connection.execute(select(bars.c.split_factor).where(*of).order_by(bars.c.at)).scalars())

    def is_guessed(self) -> bool:
        """True if history was told anew by a ratio of which no split was known."""
        table = tables.findings
        of = (table.c.instrument_id == self.number(), table.c.reason.contains("no known split explains it"))
        with self.database.read() as connection:
            return connection.execute(select(table.c.id).where(*of)).first() is not None

    def known(self, kind: str) -> dict[datetime, tuple[float, float]]:
        """The events of a kind that hold: each as it is told now, and as it was on its day."""
        table = tables.corporate_actions
        of = (table.c.instrument_id == self.number(), table.c.kind == kind, table.c.replaced_by.is_(None))
        with self.database.read() as connection:
            rows = connection.execute(select(table.c.at, table.c.value, table.c.split_factor).where(*of)).all()
        return {at: (value, value * factor) for at, value, factor in rows}

    def open_findings(self, *kinds: str) -> list[tuple[object, ...]]:
        """What of some kinds is left to decide."""
        table = tables.findings
        of = (table.c.instrument_id == self.number(), table.c.state == "open", table.c.kind.in_(kinds))
        columns = (table.c.kind, table.c.rule, table.c.interval_s, table.c.at, table.c.reason)
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(select(*columns).where(*of))]


def _rows(bars: Bars) -> list[tuple[object, ...]]:
    prices = (getattr(bars, name).astype(np.float32).tolist() for name in PRICES)
    at = [datetime.fromtimestamp(one, UTC) for one in bars.at.tolist()]
    return list(zip(at, *prices, bars.provisional.tolist(), strict=True))


events = st.lists(st.integers(5, DAYS - 5), max_size=3, unique=True)
ratios = st.sampled_from([2.0, 4.0, 7.0, 10.0, 1.5, 0.5, 0.1, 0.05])


@st.composite
def sources(draw: Callable[[st.SearchStrategy], object]) -> Source:
    """A source with its prices and events."""
    moves = np.random.default_rng(draw(st.integers(0, 10_000))).normal(0, 0.004, DAYS * HOURS)  # type: ignore[arg-type]
    late = st.integers(0, 72).map(lambda hours: timedelta(hours=hours))
    splits = tuple(Event(day, draw(ratios), draw(late)) for day in sorted(draw(events)))  # type: ignore[arg-type,call-overload]
    paid = tuple(Event(day, 1.0 + number, timedelta()) for number, day in enumerate(sorted(draw(events))))  # type: ignore[call-overload]
    clock = draw(st.sampled_from([time(9, 30), time(0)]))
    source = Source(FIRST, moves, splits, paid, clock)  # type: ignore[arg-type]
    return replace(source, splits=_in_order(source))


def _in_order(source: Source) -> tuple[Event, ...]:
    """A source applies splits one after the other."""
    found: list[Event] = []
    for one in source.splits:
        least = found and source.applied(found[-1]) - source.opens(one.day)
        found.append(replace(one, applied_after=max(one.applied_after, least)) if least else one)
    return tuple(found)


@st.composite
def plans(draw: Callable[[st.SearchStrategy], object]) -> tuple[Run, ...]:
    """Some intervals, and when they are asked for what."""
    intervals = draw(st.sampled_from([(D1,), (D1, W1), (D1, H1)]))
    runs = []
    for after in sorted(draw(st.lists(st.integers(24, DAYS * 33), min_size=2, max_size=8))):  # type: ignore[call-overload]
        first, length = draw(st.integers(0, DAYS)), draw(st.integers(3, 30))
        window = draw(st.sampled_from([None, (first, min(first + length, DAYS))]))  # type: ignore[operator]
        runs.append(Run(after, draw(st.sampled_from(intervals)), window))  # type: ignore[arg-type]
    return tuple(runs)


def _window(source: Source, run: Run) -> tuple[datetime, datetime] | None:
    if run.window is None:
        return None
    first, last = (datetime.combine(source.first, time(), UTC) + days * 7 / 5 * DAY for days in run.window)
    return first, last


def play(database: Database, clock: ManualClock, source: Source, plan: tuple[Run, ...]) -> None:
    """Run a plan, then what runs every day, and at last all once more, by when every split is applied for long."""
    collector, intervals = Collector(database, source), {run.interval for run in plan}
    begin, end = source.opens(0), source.opens(DAYS - 1) + 25 * DAY
    clock.now = end + 5 * DAY
    for run in plan:
        collector.run(run.interval, begin + run.after * timedelta(hours=1), _window(source, run))
    for days in range(2):
        for interval in intervals:
            collector.run(interval, end + days * DAY)
    assert collector.open_findings("varying-ratio", "unclear-shares") == []
    _assert_as_told(collector, intervals, end + DAY)
    for interval in intervals:
        # What was set aside and what no overlap reaches is asked for as every gap is.
        collector.run(interval, end + 2 * DAY, (begin - 7 * DAY, end))
    assert collector.open_findings("varying-ratio", "unclear-shares", "rejected-bar") == []
    _assert_as_told(collector, intervals, end + 2 * DAY, is_whole=True)
    _assert_known_as_it_was(collector)


def _assert_as_told(collector: Collector, intervals: set[Interval], now: datetime, *, is_whole: bool = False) -> None:
    """All is stored as the source tells it; each of its events is known where it was asked about the whole of it."""
    source = collector.source
    for interval in intervals:
        told = {row[0]: row for row in _rows(source.bars(interval, source.opens(0) - 7 * DAY, now, now))}
        rows = [row for row in collector.rows(interval) if not row[-1]]
        assert [_single(row) for row in rows] == [_single(told[row[0]]) for row in rows], interval
        if collector.is_guessed():
            # Where a window showed a ratio before anybody told of its split, bars beyond the overlap do not count it.
            continue
        assert collector.factors(interval) == pytest.approx(source.factors(interval, collector.ats(interval)), rel=1e-6)
    for kind in ("split", "dividend"):
        exist, known = _events(source, kind, now), collector.known(kind)
        assert known == {at: pytest.approx(exist[at], rel=1e-5) for at in known}, kind
        assert known.keys() == exist.keys() or not is_whole, kind


def _events(source: Source, kind: str, now: datetime) -> dict[datetime, tuple[float, float]]:
    """The events of a kind: each as it is told at a moment, and as it was on its day."""
    told = (one for one in source.events(source.opens(0) - 7 * DAY, now, now) if one.kind == kind)
    was = {source.days[one.day]: one.value for one in (source.splits if kind == "split" else source.dividends)}
    return {one.at: (one.value, was[one.at.astimezone(ZONE).date()]) for one in told}


def _assert_known_as_it_was(collector: Collector) -> None:
    reading = Reading(collector.database)
    for (then, interval), rows in collector.then.items():
        found = reading.table(BarsQuery((collector.symbol,), interval, as_of=then)).to_pylist()
        settled = [(row["at"], row["close"]) for row in found if not row["provisional"]]
        assert settled == [(row[0], pytest.approx(row[4], rel=1e-6)) for row in rows], (then, interval)
    reading.close()


def _single(row: tuple[object, ...]) -> tuple[object, ...]:
    return (row[0], *(pytest.approx(price, rel=3e-7) for price in row[1:5]), row[5])


def test_the_store_has_what_the_source_has(database: Database, clock: ManualClock) -> None:
    # Each example later than the one before: what was known at a moment is told by all that landed until then.
    begins = iter(FIRST + timedelta(weeks=52 * number) for number in range(1_000))

    @settings(max_examples=8, derandomize=True, phases=(Phase.explicit, Phase.generate))
    @given(source=sources(), plan=plans())
    def check(source: Source, plan: tuple[Run, ...]) -> None:
        play(database, clock, replace(source, first=next(begins)), plan)

    check()


def test_a_split_that_only_another_interval_told_of_is_applied_once_a_series_goes_on(database: Database) -> None:
    moves = np.random.default_rng(1).normal(0, 0.004, DAYS * HOURS)
    source = Source(FIRST, moves, (Event(10, 4.0),))
    collector, begin = Collector(database, source), source.opens(0)
    for interval, days, first, last in ((D1, 8, 0, 8), (H1, 60, 0, 60), (D1, 70, 60, 66), (D1, 71, 60, 70)):
        collector.run(interval, begin + days * DAY, (begin + first * DAY - DAY, begin + last * DAY))
    _assert_as_told(collector, {D1, H1}, begin + 71 * DAY)


def test_a_payment_beside_a_bar_that_was_set_aside_stays_as_it_is_known(database: Database, clock: ManualClock) -> None:
    moves = np.random.default_rng(1).normal(0, 0.004, DAYS * HOURS)
    late = Event(48, 0.5, timedelta(days=3))
    source = Source(FIRST, moves, (Event(16, 2.0), late), (Event(27, 1.0),))
    hours, days = (Run(24 * after, H1) for after in (46, 48, 50)), (Run(24 * after, D1) for after in (66, 69))
    play(database, clock, source, (*hours, *days))


def test_a_source_that_applies_a_split_weeks_late_is_not_believed_unseen(database: Database) -> None:
    moves = np.random.default_rng(1).normal(0, 0.004, DAYS * HOURS)
    source = Source(FIRST, moves, (Event(20, 1.2, timedelta(days=16)),))
    collector = Collector(database, source)
    for days in range(28, 28 + 15):
        collector.run(D1, source.opens(0) + days * DAY)
    assert collector.open_findings("varying-ratio", "rejected-bar") == []
    collector.run(D1, source.opens(0) + 46 * DAY, (source.opens(0) - DAY, source.opens(0) + 46 * DAY))
    assert {row[0] for row in collector.open_findings("varying-ratio")} == {"varying-ratio"}


@pytest.mark.parametrize("ratio", [0.25, 1.5, 1.1])
def test_a_window_that_comes_about_when_a_split_is_applied_has_it_or_not(database: Database, ratio: float) -> None:
    """Far from all that is stored: so many hours after the ex-day begins the source applies it, and is asked for the window."""
    for number, (late, asked) in enumerate([(26, 2), (74, 30), (0, 2), (-26, -20), (-26, 4)]):
        _play_between(database, FIRST + timedelta(weeks=52 * number), Event(40, ratio, timedelta(hours=late)), asked)


def _play_between(database: Database, first: date, split: Event, asked: int) -> None:
    moves = np.random.default_rng(1).normal(0, 0.004, DAYS * HOURS)
    source = Source(first, moves, (split,))
    collector, begin = Collector(database, source, begins=35 * DAY), source.opens(0)
    runs = [(source.opens(day) + timedelta(hours=7), None) for day in (*range(36, 47), 58, 59)]
    window = (source.opens(split.day) + timedelta(hours=asked), (begin, begin + 12 * DAY))
    for now, span in sorted([*runs, window], key=lambda run: run[0]):
        collector.run(D1, now, span)
    now = source.opens(59) + timedelta(hours=7)
    _assert_as_told(collector, {D1}, now)
    assert collector.open_findings("varying-ratio", "unclear-shares") == []
    collector.run(D1, now + DAY, (begin, now))
    _assert_as_told(collector, {D1}, now + DAY)


def test_a_window_that_comes_twice_before_a_split_is_applied_is_asked_for_again(database: Database) -> None:
    moves = np.random.default_rng(1).normal(0, 0.004, DAYS * HOURS)
    source = Source(FIRST, moves, (Event(44, 0.05, timedelta(hours=42)),))
    collector, begin = Collector(database, source, begins=36 * DAY), source.opens(0)
    window = (begin + 21 * DAY, begin + 29 * DAY)
    twice = [(begin + timedelta(days=61, hours=hour), window) for hour in (1, 2)]
    ordinary = [(begin + timedelta(days=days, hours=7), None) for days in range(50, 70)]
    for now, span in sorted([*ordinary, *twice], key=lambda run: run[0]):
        collector.run(D1, now, span)
    _assert_as_told(collector, {D1}, begin + 70 * DAY)
    assert collector.open_findings("unclear-shares") == []


def test_what_was_set_aside_until_the_source_applied_a_split_is_settled_then(database: Database) -> None:
    moves = np.random.default_rng(1).normal(0, 0.004, DAYS * HOURS)
    source = Source(FIRST, moves, (Event(42, 0.25, timedelta(hours=50)),))
    collector = Collector(database, source, begins=36 * DAY)
    for day in range(38, 45):
        collector.run(D1, source.opens(day) + timedelta(hours=7))
    assert collector.open_findings("rejected-bar") == []


farther = st.tuples(st.integers(-40, 96), st.integers(0, 20), st.integers(3, 10), st.sampled_from([D1, W1]))
"""How many hours after an ex-day a window is asked for, its first day, its length, its interval."""


@st.composite
def lags(draw: Callable[[st.SearchStrategy], object]) -> tuple[Source, tuple[Run, ...]]:
    """A source that applies a split early or late, and windows far from what is stored that are asked for about then."""
    moves = np.random.default_rng(draw(st.integers(0, 10_000))).normal(0, 0.004, DAYS * HOURS)  # type: ignore[arg-type]
    lag = timedelta(hours=draw(st.integers(-40, 96)))  # type: ignore[arg-type]
    split = Event(draw(st.integers(42, 46)), draw(ratios), lag)  # type: ignore[arg-type]
    source = Source(FIRST, moves, (split,), (Event(8, 1.0), Event(38, 2.0)))
    ex = round((source.opens(split.day) - source.opens(0)) / timedelta(hours=1))
    asked = draw(st.lists(farther, min_size=1, max_size=3))
    return source, tuple(Run(ex + at, interval, (day, day + length)) for at, day, length, interval in asked)  # type: ignore[attr-defined]


def _about(source: Source) -> list[int]:
    """The days since the first on which runs tell something: from three before the ex-day to three after the source has applied
    the split, and the last two, by when whatever was unclear has come again."""
    [split] = source.splits
    moments = [source.opens(split.day), source.applied(split)]
    first, last = ((one - source.opens(0)) // DAY for one in (min(moments), max(moments)))
    return [*range(first - 3, last + 4), 80, 81]


def test_windows_between_a_split_and_its_application_end_as_the_source_tells_them(database: Database) -> None:
    begins = iter(FIRST + timedelta(weeks=52 * number) for number in range(1_000))

    @settings(max_examples=6, derandomize=True, phases=(Phase.explicit, Phase.generate))
    @given(made=lags())
    def check(made: tuple[Source, tuple[Run, ...]]) -> None:
        source = replace(made[0], first=next(begins))
        collector, begin = Collector(database, source, begins=36 * DAY), source.opens(0)
        daily = [Run(24 * day + 7, interval) for day in _about(source) for interval in (D1, W1)]
        for run in sorted([*daily, *made[1]], key=lambda run: run.after):
            collector.run(run.interval, begin + run.after * timedelta(hours=1), _window(source, run))
        now = begin + 82 * DAY
        assert collector.open_findings("varying-ratio", "unclear-shares") == []
        _assert_as_told(collector, {D1, W1}, now)
        for interval in (D1, W1):
            collector.run(interval, now, (begin - 7 * DAY, now))
        _assert_as_told(collector, {D1, W1}, now, is_whole=True)

    check()
