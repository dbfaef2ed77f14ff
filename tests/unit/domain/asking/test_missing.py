"""What is missing of a window, by the sessions of the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.asking.missing import (
    AllOf,
    Expected,
    Extent,
    KnownGap,
    Missing,
    all_of,
    by_bars,
    by_extent,
    expected,
)
from stockjobs.domain.asking.planning import Window, cut
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Seconds, Spans
from stockjobs.markets.sessions import sessions

NEW_YORK = ZoneInfo("America/New_York")
SPANS = Spans.of(sessions("XNYS", date(2025, 12, 25), date(2026, 3, 10)))
NOW = datetime(2026, 3, 4, 3, 0, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def of(interval: Interval = Interval.D1, start: str = "2026-01-01", end: str = "2026-03-04") -> Expected:
    window = Window(at(start), at(end))
    spans = SPANS.between(window.start.timestamp(), window.end.timestamp())
    return expected(spans, interval, NEW_YORK, window, NOW)


DAILY = of()
WHOLE = Window(at("2026-01-01"), at("2026-03-04"))


def stored_as(times: Seconds, series: Expected = DAILY, *, is_last_provisional: bool = False) -> Extent:
    """Bars as a store would tell of them."""
    numbers = (times + series.ahead) // 86_400 if not series.interval.is_intraday else times
    return Extent(len(times), int(times[0]), int(times[-1]), int(numbers.sum()), is_last_provisional)


def extent(first: int, last: int, without: Sequence[int] = ()) -> Extent:
    return stored_as(np.array([DAILY.slots.at[place] for place in range(first, last) if place not in without]))


def hours_of_paris(days: int) -> Expected:
    """The hours of Paris until March."""
    end = datetime(2026, 3, 2, tzinfo=UTC)
    window = Window(end - timedelta(days=days), end)
    spans = Spans.of(sessions("XPAR", window.start.date(), end.date()))
    return expected(spans, Interval.H1, ZoneInfo("Europe/Paris"), window, end)


def days(found: Missing | None) -> list[str]:
    assert found is not None
    return [str(DAILY.days[place]) for first, last in found.runs for place in range(first, last)]


def test_a_series_of_which_nothing_is_stored_lacks_every_session() -> None:
    found = by_extent(DAILY, None, (), None)
    assert days(found) == [str(day) for day in DAILY.days]
    assert len(DAILY.slots) == 41


def test_a_complete_series_lacks_nothing() -> None:
    found = by_extent(DAILY, extent(0, 41), (), None)
    assert days(found) == []
    assert found is not None
    assert found.within(WHOLE) is None


def test_the_ends_that_are_missing_are_asked_for_as_far_as_they_reach() -> None:
    found = by_extent(DAILY, extent(5, 39), (), None)
    assert days(found) == [str(day) for day in (*DAILY.days[:5], *DAILY.days[39:])]


def test_a_hole_is_not_found_by_counting_and_found_by_looking() -> None:
    assert by_extent(DAILY, extent(0, 41, (7, 20)), (), None) is None
    stored = np.delete(DAILY.slots.at, [7, 20])
    assert days(by_bars(DAILY, stored, (), None)) == [str(DAILY.days[7]), str(DAILY.days[20])]


def test_what_the_source_does_not_have_is_not_missing() -> None:
    gap = KnownGap(DAILY.days[7].item(), 1)
    found = by_extent(DAILY, extent(0, 41, (7,)), (gap,), None)
    assert days(found) == []
    assert days(by_bars(DAILY, np.delete(DAILY.slots.at, [7]), (gap,), None)) == []


def test_nothing_is_missing_from_before_the_first_trade() -> None:
    since = at("2026-02-02 14:30")
    assert days(by_extent(DAILY, None, (), since))[0] == "2026-02-02"
    first = list(map(str, DAILY.days)).index("2026-02-02")
    assert days(by_extent(DAILY, extent(first, 41), (), since)) == []


def test_an_unfinished_last_bar_is_missing() -> None:
    unfinished = stored_as(DAILY.slots.at, is_last_provisional=True)
    assert days(by_extent(DAILY, unfinished, (), None)) == ["2026-03-03"]


def test_bars_that_stand_at_midnight_are_the_same_days() -> None:
    at_midnight = [int(datetime.combine(day.item(), time(), NEW_YORK).timestamp()) for day in DAILY.days]
    midnights = np.array(at_midnight, dtype=np.int64)
    assert days(by_extent(DAILY, stored_as(midnights), (), None)) == []
    assert days(by_bars(DAILY, midnights, (), None)) == []


@pytest.mark.parametrize(
    ("exchange", "zone"), [("XTKS", "Asia/Tokyo"), ("XLON", "Europe/London"), ("XASX", "Australia/Sydney")]
)
@pytest.mark.parametrize("hour", [0, 9, 16])
def test_a_year_of_days_is_whole_at_whatever_hour_of_their_day_they_stand(exchange: str, zone: str, hour: int) -> None:
    window = Window(at("2025-03-01"), at("2026-03-01"))
    clocks = ZoneInfo(zone)
    spans = Spans.of(sessions(exchange, window.start.date(), window.end.date()))
    series = expected(spans, Interval.D1, clocks, window, NOW)
    stand_at = [datetime.combine(day.item(), time(hour), clocks).timestamp() for day in series.days]
    found = by_extent(series, stored_as(np.array(stand_at, dtype=np.int64), series), (), None)
    assert found is not None
    assert found.runs.tolist() == []


def test_bars_after_the_close_hide_no_hole() -> None:
    hours = hours_of_paris(700)
    times, session = hours.slots.at, hours.slots.session
    middle = len(hours.spans) // 2
    is_hole = (session >= middle) & (session < middle + 30)
    stored = np.sort(np.concatenate([times[~is_hole], hours.spans.close]))
    assert len(stored) > len(times)
    assert by_extent(hours, stored_as(stored, hours), (), None) is None
    places = np.flatnonzero(is_hole)
    assert by_bars(hours, stored, (), None).runs.tolist() == [[places[0], places[-1] + 1]]


def test_a_session_that_the_source_lacks_altogether_is_counted_and_one_that_it_lacks_in_part_looked_at() -> None:
    hours = hours_of_paris(7)
    times, day = hours.slots.at, hours.days[0].item()
    first = hours.days == hours.days[0]
    whole = by_extent(hours, stored_as(times[~first], hours), (KnownGap(day, int(first.sum())),), None)
    assert whole is not None
    assert whole.runs.tolist() == []
    partly = np.delete(times, [2, 3])
    assert by_extent(hours, stored_as(partly, hours), (KnownGap(day, 2),), None) is None
    assert by_bars(hours, partly, (KnownGap(day, 2),), None).runs.tolist() == []


def test_a_week_that_the_source_lacks_is_not_missing() -> None:
    weeks = of(Interval.W1)
    monday = at("2026-01-12")
    place = int(weeks.places(np.array([int(monday.timestamp()) + 86_400]))[0])
    stored = np.delete(weeks.slots.at, [place])
    gap = KnownGap(monday.date(), 1)
    midnights = np.array(
        [int(weeks.window(one, one + 1).start.timestamp()) for one in range(len(weeks.slots)) if one != place]
    )
    assert by_bars(weeks, stored, (gap,), None).runs.tolist() == []
    found = by_extent(weeks, stored_as(midnights, weeks), (gap,), None)
    assert found is not None
    assert found.runs.tolist() == []


def test_a_weekend_and_a_holiday_lack_nothing() -> None:
    # Presidents' Day is Monday 16 February 2026.
    closed = of(start="2026-02-14", end="2026-02-17")
    assert all_of(closed).within(Window(at("2026-02-14"), at("2026-02-17"))) is None


def test_what_is_asked_for_begins_at_the_first_midnight_and_ends_at_the_last() -> None:
    found = by_extent(DAILY, extent(0, 39), (), None)
    assert found is not None
    assert found.within(WHOLE) == Window(at("2026-03-02 05:00"), at("2026-03-04"))


def test_within_the_day_the_grid_of_the_session_is_asked_for() -> None:
    hours = of(Interval.H1, "2026-03-03", "2026-03-04")
    assert len(hours.slots) == 7
    stored = hours.slots.at[:3]
    found = by_bars(hours, stored, (), None)
    assert found.within(Window(at("2026-03-03"), at("2026-03-04"))) == Window(
        at("2026-03-03 17:30"), at("2026-03-03 21:30")
    )


def test_a_week_that_began_before_the_window_is_not_expected() -> None:
    weeks = of(Interval.W1, "2026-01-07", "2026-02-01")
    found = all_of(weeks).within(Window(at("2026-01-07"), at("2026-02-01")))
    assert found == Window(at("2026-01-12 05:00"), at("2026-01-31 05:00"))
    months = of(Interval.MO1, "2026-01-07", "2026-03-04")
    assert [str(day) for day in months.days.astype("datetime64[M]")] == ["2026-02", "2026-03"]


def test_a_bar_that_has_not_begun_is_not_expected() -> None:
    assert str(of(end="2026-03-20").days[-1]) == "2026-03-03"


def test_of_a_series_of_which_nothing_is_known_all_of_the_window_is_missing() -> None:
    assert AllOf(WHOLE).within(Window(at("2025-01-01"), at("2026-02-01"))) == Window(WHOLE.start, at("2026-02-01"))
    assert AllOf(WHOLE).within(Window(at("2025-01-01"), at("2025-02-01"))) is None


HOLES = st.sets(st.integers(0, 40))


@given(HOLES)
def test_counting_and_looking_agree(holes: set[int]) -> None:
    stored = np.delete(DAILY.slots.at, sorted(holes))
    looked = by_bars(DAILY, stored, (), None)
    assert days(looked) == [str(DAILY.days[place]) for place in sorted(holes)]
    counted = by_extent(DAILY, stored_as(stored) if len(stored) else None, (), None)
    if counted is not None:
        assert counted.runs.tolist() == looked.runs.tolist()


HOURS = of(Interval.H1, "2026-02-20")


@given(st.sets(st.integers(0, len(HOURS.slots) - 1)), st.sets(st.integers(0, len(HOURS.spans) - 1)))
def test_counting_never_contradicts_looking_whatever_stands_outside_of_the_sessions(
    holes: set[int], late: set[int]
) -> None:
    stored = np.sort(np.append(np.delete(HOURS.slots.at, sorted(holes)), HOURS.spans.close[sorted(late)]))
    if not len(stored):
        return
    looked = by_bars(HOURS, stored, (), None)
    counted = by_extent(HOURS, stored_as(stored, HOURS), (), None)
    if counted is not None:
        assert counted.runs.tolist() == looked.runs.tolist()
    if not holes and not late:
        assert counted is not None


@pytest.mark.parametrize("interval", [Interval.D1, Interval.M30])
@given(st.sets(st.integers(0, 545)), st.integers(1, 40), st.integers(0, 30))
def test_what_is_asked_for_covers_what_is_missing_within_the_limits(
    interval: Interval, holes: set[int], span: int, reach: int
) -> None:
    series = of(interval)
    holes = {place for place in holes if place < len(series.slots)}
    found = by_bars(series, np.delete(series.slots.at, sorted(holes)), (), None)
    limits = Limits(timedelta(days=span), timedelta(days=60 + reach))
    asked = [window for part in cut(WHOLE, limits, NOW) if (window := found.within(part)) is not None]
    assert all(window.start < window.end and window.end - window.start <= timedelta(days=span) for window in asked)
    assert all(one.end <= other.start for one, other in pairwise(asked))
    times = series.slots.at
    for place in holes:
        if times[place] >= (NOW - timedelta(days=60 + reach)).timestamp():
            assert any(window.start.timestamp() <= times[place] < window.end.timestamp() for window in asked)
    stored_edges = {int(times[place]) for place in set(range(len(times))) - holes}
    for window in asked:
        inside = [
            place for place, time in enumerate(times) if window.start.timestamp() <= time < window.end.timestamp()
        ]
        # Neither the first nor the last bar of a request is stored.
        assert inside
        assert not {int(times[inside[0]]), int(times[inside[-1]])} & stored_edges
