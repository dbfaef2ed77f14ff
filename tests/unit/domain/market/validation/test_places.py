"""Grid and sessions: bars at times where none should be are found; the odd hours of real exchanges are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation import Context, validate
from tests.unit.domain.market.validation.series import (
    LONDON,
    NEW_YORK,
    NOW,
    TEL_AVIV,
    TOKYO,
    bars_at,
    held,
    noted,
    opens,
    spans,
)

FIRST, LAST = date(2025, 10, 20), date(2025, 11, 14)
"""London, New York and Tel Aviv change their clocks in these weeks."""
MARKETS = [
    ("XNYS", NEW_YORK),
    ("XLON", LONDON),
    ("XTKS", TOKYO),
    ("XTAE", TEL_AVIV),
    ("XBOM", ZoneInfo("Asia/Kolkata")),
    ("XASX", ZoneInfo("Australia/Sydney")),
    ("XHKG", ZoneInfo("Asia/Hong_Kong")),
    ("24/7", ZoneInfo("UTC")),
]


def instant(text: str, zone: ZoneInfo) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


@pytest.mark.parametrize(("mic", "zone"), MARKETS)
@pytest.mark.parametrize("interval", [Interval.M5, Interval.M30, Interval.H1, Interval.M90, Interval.D1])
@pytest.mark.parametrize("is_known", [True, False])
def test_the_bars_of_whole_sessions_are_in_place(mic: str, zone: ZoneInfo, interval: Interval, is_known: bool) -> None:
    sessions = spans(mic, FIRST, LAST)
    bars = bars_at(opens(sessions, interval))
    checked = validate(bars, Context(NOW, interval, zone, sessions if is_known else None))
    assert (checked.rejected, checked.noted) == ((), ())


@pytest.mark.parametrize(("mic", "zone"), MARKETS)
def test_days_that_stand_at_midnight_are_in_place(mic: str, zone: ZoneInfo) -> None:
    sessions = spans(mic, FIRST, LAST)
    at = [instant(str(day), zone) for day in sessions.day]
    assert held(bars_at(at), Context(NOW, Interval.D1, zone, sessions)) == {}


def test_weeks_and_months_stand_at_midnight_and_in_no_session() -> None:
    sessions = spans("XTAE", FIRST, LAST)
    weeks = bars_at([instant(f"2025-{day}", TEL_AVIV) for day in ("10-20", "10-27", "11-03", "11-10")])
    months = bars_at([instant(f"2025-{month:02}-01", TEL_AVIV) for month in range(1, 12)])
    assert held(weeks, Context(NOW, Interval.W1, TEL_AVIV, sessions)) == {}
    assert held(months, Context(NOW, Interval.MO1, TEL_AVIV, sessions)) == {}


def test_an_hour_of_before_the_market_opens_counts_from_the_full_hour() -> None:
    at = [
        instant(f"2025-11-03T{hour}", NEW_YORK)
        for hour in ("04:00", "05:00", "08:00", "09:30", "10:30", "16:00", "19:00")
    ]
    assert held(bars_at(at), Context(NOW, Interval.H1, NEW_YORK, spans("XNYS", FIRST, LAST))) == {}


@pytest.mark.parametrize(
    ("interval", "late"), [(Interval.M5, 17), (Interval.M5, 120), (Interval.M1, 1), (Interval.H1, 600)]
)
@pytest.mark.parametrize("is_known", [True, False])
def test_a_bar_off_the_grid_is_held(interval: Interval, late: int, is_known: bool) -> None:
    sessions = spans("XNYS", date(2025, 11, 3), date(2025, 11, 3))
    at = np.array(opens(sessions, interval))
    at[9] += late
    context = Context(NOW, interval, NEW_YORK, sessions if is_known else None)
    # A full minute may be the end of a lunch break that nobody knows of.
    assert held(bars_at(at.tolist()), context) == ({"off-grid": [9]} if is_known or late % 60 else {})


def test_a_day_at_another_hour_is_held_and_one_that_is_unfinished_is_not() -> None:
    sessions = spans("XNYS", FIRST, LAST)
    at = np.array(opens(sessions, Interval.D1))
    at[-1] += 3_723
    bars = bars_at(at.tolist())
    context = Context(NOW, Interval.D1, NEW_YORK, sessions)
    assert held(bars, context) == {"off-grid": [len(at) - 1]}
    bars.provisional[-1] = True
    assert held(bars, context) == {}


def test_an_afternoon_of_unknown_hours_may_begin_at_any_minute() -> None:
    days = [
        f"2025-11-{day:02}T{at}" for day in (3, 4, 5) for at in ("09:00", "10:00", "11:00", "12:30", "13:00", "14:00")
    ]
    tokyo = ZoneInfo("Asia/Tokyo")
    assert held(bars_at([instant(one, tokyo) for one in days]), Context(NOW, Interval.H1, tokyo)) == {}


def test_a_few_bars_of_unknown_hours_are_given_the_benefit_of_the_doubt() -> None:
    assert held(bars_at([instant("2025-11-03T09:59", TEL_AVIV)]), Context(NOW, Interval.M5, TEL_AVIV)) == {}


@pytest.mark.parametrize("moment", ["2025-11-08T12:00", "2025-11-03T02:00", "2025-11-27T11:00", "2025-11-05T23:30"])
def test_a_bar_hours_away_from_every_session_is_held(moment: str) -> None:
    sessions = spans("XNYS", FIRST, date(2025, 11, 28))
    at = sorted([*opens(sessions, Interval.M30), instant(moment, NEW_YORK)])
    place = at.index(instant(moment, NEW_YORK))
    assert held(bars_at(at), Context(NOW, Interval.M30, NEW_YORK, sessions)) == {"outside-session": [place]}


@pytest.mark.parametrize("volume", [0, 5_000])
def test_a_day_without_a_session_is_held(volume: int) -> None:
    sessions = spans("XNYS", FIRST, LAST)
    at = sorted([*opens(sessions, Interval.D1), instant("2025-11-01T09:30", NEW_YORK)])
    place = at.index(instant("2025-11-01T09:30", NEW_YORK))
    context = Context(NOW, Interval.D1, NEW_YORK, sessions, kind="INDEX")
    assert held(bars_at(at, volume=volume), context) == {"outside-session": [place]}


def test_many_days_with_trades_say_that_the_calendar_is_wrong() -> None:
    sessions = spans("XTAE", FIRST, LAST)
    fridays = [instant(f"2025-{day}T09:59", TEL_AVIV) for day in ("10-24", "10-31", "11-07", "11-14")]
    at = sorted({*opens(sessions, Interval.D1), *fridays})
    checked = validate(bars_at(at), Context(NOW, Interval.D1, TEL_AVIV, sessions))
    assert (checked.rejected, noted(checked)) == ((), {"extra-session": 4})


def test_currencies_trade_from_sunday_evening_to_friday_evening() -> None:
    sessions = spans("24/5", FIRST, LAST)
    context = Context(NOW, Interval.H1, LONDON, sessions, kind="CURRENCY")
    at = opens(sessions, Interval.H1)
    assert held(bars_at(at, volume=0), context) == {}
    saturday = instant("2025-11-08T12:00", LONDON)
    assert held(bars_at(sorted([*at, saturday]), volume=0), context) == {
        "outside-session": [sorted([*at, saturday]).index(saturday)]
    }


def test_where_no_calendar_reaches_no_session_is_asked_of_a_bar() -> None:
    at = [int((datetime(2025, 11, 1, tzinfo=UTC) + timedelta(days=n)).timestamp()) for n in range(10)]
    context = Context(NOW, Interval.D1, NEW_YORK)
    assert held(bars_at(at), context) == {}
    assert "outside-session" in held(bars_at(at, volume=0), replace(context, sessions=spans("XNYS", FIRST, LAST)))


def test_two_days_with_trades_of_their_own_are_sessions_that_the_calendar_lacks_and_copies_are_not() -> None:
    sessions = spans("XTAE", FIRST, LAST)
    extra = [instant(f"2025-{day}T09:59", TEL_AVIV) for day in ("10-31", "11-07")]
    at = sorted({*opens(sessions, Interval.D1), *extra})
    places = [at.index(one) for one in extra]
    context = Context(NOW, Interval.D1, TEL_AVIV, sessions)
    bars = bars_at(at)
    checked = validate(bars, context)
    assert (checked.rejected, noted(checked)) == ((), {"extra-session": 2})
    for column in (bars.open, bars.high, bars.low, bars.close):
        column[places] = column[[place - 1 for place in places]]
    assert held(bars, context) == {"outside-session": places}
