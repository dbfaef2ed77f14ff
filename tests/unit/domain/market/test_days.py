"""Days: bars of a day and longer are one bar if they are of one session's day, wherever in it their source puts them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.actions import session_day
from stockjobs.domain.market.days import days_of, first_bar, in_place, periods, same_as_before
from stockjobs.domain.market.intervals import Interval
from tests.unit.domain.market.test_changes import bars_of

NEW_YORK, LONDON, TOKYO = ZoneInfo("America/New_York"), ZoneInfo("Europe/London"), ZoneInfo("Asia/Tokyo")
zones = st.sampled_from([NEW_YORK, LONDON, TOKYO, ZoneInfo("Pacific/Auckland"), ZoneInfo("America/Sao_Paulo"), UTC])
days = st.integers(0, 20_000).map(lambda number: datetime(1970, 1, 1) + timedelta(days=number))
PLACES = {
    "midnight": lambda day, zone: day.replace(tzinfo=zone),
    "the open": lambda day, zone: datetime.combine(day, time(9, 30), zone),
    "midnight UTC": lambda day, zone: day.replace(tzinfo=UTC),
    "a summer's midnight in winter": lambda day, zone: (day - timedelta(hours=1)).replace(tzinfo=zone),
    "a winter's midnight in summer": lambda day, zone: (day + timedelta(hours=1)).replace(tzinfo=zone),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@given(day=days, zone=zones)
def test_a_session_has_one_day_wherever_its_bar_is_put(place: object, day: datetime, zone: ZoneInfo) -> None:
    at = np.array([int(place(day, zone).timestamp())])  # type: ignore[operator]
    assert days_of(at, Interval.D1, zone).tolist() == [day.date()]


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@given(day=days, zone=zones)
def test_an_event_is_of_the_day_of_the_bar_that_stands_where_it_does(
    place: object, day: datetime, zone: ZoneInfo
) -> None:
    at = place(day, zone)  # type: ignore[operator]
    assert [session_day(at, zone)] == days_of(np.array([int(at.timestamp())]), Interval.D1, zone).tolist()


@pytest.mark.parametrize("interval", [Interval.D1, Interval.W1, Interval.MO1])
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@given(day=days, zone=zones, event=st.sampled_from(list(PLACES.values())))
def test_the_bar_of_an_ex_day_is_after_it_and_the_one_before_is_not(
    place: object, interval: Interval, day: datetime, zone: ZoneInfo, event: object
) -> None:
    first = {Interval.W1: day - timedelta(days=day.weekday()), Interval.MO1: day.replace(day=1)}.get(interval, day)
    before = (first - timedelta(days=1)).replace(day=1) if interval is Interval.MO1 else first - interval.length
    cut = first_bar(event(day, zone), interval, zone)  # type: ignore[operator]
    assert place(before, zone).timestamp() < cut <= place(first, zone).timestamp()  # type: ignore[operator]


def test_bars_within_the_day_are_dated_by_their_time_alone() -> None:
    late = np.array([int(datetime(2025, 1, 6, 23, tzinfo=NEW_YORK).timestamp())])
    assert days_of(late, Interval.H1, NEW_YORK).tolist() == [datetime(2025, 1, 6, tzinfo=UTC).date()]


def test_a_week_begins_on_monday_and_a_month_on_its_first() -> None:
    dates = [datetime(2025, 6, day, 9, 30, tzinfo=NEW_YORK) for day in (1, 2, 8, 9, 30)]
    at = np.array([int(one.timestamp()) for one in dates])
    weeks, months = (periods(at, interval, NEW_YORK) for interval in (Interval.W1, Interval.MO1))
    assert (weeks - weeks[0]).tolist() == [0, 1, 1, 2, 5]
    assert len(set(months.tolist())) == 1


@given(shift=st.sampled_from([-18_000, -3_600, 0, 34_200]), there=st.lists(st.booleans(), min_size=30, max_size=30))
def test_bars_of_stored_days_come_to_stand_where_these_stand(shift: int, there: list[bool]) -> None:
    every = replace(bars_of(30), at=np.arange(30) * 86_400 + 18_000)
    stored, came = every.where(np.array(there)), replace(every, at=every.at + shift)
    placed = in_place(stored, came, Interval.D1, ZoneInfo("Etc/GMT+5"))
    assert placed.at.tolist() == [(every if is_there else came).at[place] for place, is_there in enumerate(there)]
    assert placed.close.tolist() == came.close.tolist()


def test_of_two_bars_of_one_day_the_last_counts() -> None:
    came = replace(bars_of(3), at=np.array([0, 34_200, 86_400]))
    assert in_place(bars_of(0), came, Interval.D1, UTC).close.tolist() == came.close[1:].tolist()
    assert same_as_before(came.at, Interval.D1, UTC).tolist() == [False, True, False]
    assert same_as_before(came.at, Interval.H1, UTC).tolist() == [False, False, False]
