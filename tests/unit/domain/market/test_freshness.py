"""Since when a newer bar has been there to be had."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from stockjobs.domain.market.freshness import Due, Reached, ahead, overdue_since
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Spans
from stockjobs.markets.sessions import sessions

NEW_YORK = ZoneInfo("America/New_York")
WEEKS = Spans.of(sessions("XNYS", date(2026, 2, 1), date(2026, 4, 30)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("newest", "interval", "now", "expected"),
    [
        ("2026-02-27T09:30", Interval.D1, "2026-03-02T15:00", None),
        ("2026-02-27T09:30", Interval.D1, "2026-03-02T16:30", "2026-03-02T16:00"),
        ("2026-02-26T09:30", Interval.D1, "2026-03-01T12:00", "2026-02-27T16:00"),
        ("2026-02-27T15:59", Interval.M1, "2026-03-01T12:00", None),
        ("2026-02-27T15:59", Interval.M1, "2026-03-02T10:00", "2026-03-02T09:31"),
        ("2026-03-02T14:30", Interval.H1, "2026-03-02T16:30", "2026-03-02T16:00"),
        ("2026-02-23T00:00", Interval.W1, "2026-03-02T12:00", None),
    ],
)
def test_a_bar_is_overdue_since_the_first_one_after_the_newest_was_complete(
    newest: str, interval: Interval, now: str, expected: str | None
) -> None:
    due = Due.of(WEEKS.between(0, at(now).timestamp()), interval, NEW_YORK)
    found = overdue_since(Reached(at(newest)), interval, at(now), due)
    assert found == (at(expected).astimezone(UTC) if expected else None)


@pytest.mark.parametrize(
    ("newest", "interval", "written", "now", "expected"),
    [
        ("2026-02-27T09:30", Interval.D1, "2026-02-27T10:30", "2026-02-27T15:00", None),
        ("2026-02-27T09:30", Interval.D1, "2026-02-27T10:30", "2026-02-27T18:00", "2026-02-27T16:00"),
        ("2026-02-27T09:30", Interval.D1, "2026-02-27T16:05", "2026-03-02T15:00", None),
        ("2026-02-27T09:30", Interval.D1, "2026-02-27T16:05", "2026-03-02T17:00", "2026-03-02T16:00"),
        ("2026-02-27T15:30", Interval.H1, "2026-02-27T15:40", "2026-02-27T17:00", "2026-02-27T16:00"),
        ("2026-02-27T11:30", Interval.H1, "2026-02-27T11:40", "2026-02-27T13:45", "2026-02-27T12:30"),
        ("2026-02-23T00:00", Interval.W1, "2026-02-25T12:00", "2026-02-27T12:00", None),
        ("2026-02-23T00:00", Interval.W1, "2026-02-25T12:00", "2026-02-28T12:00", "2026-02-27T16:00"),
        ("2026-02-23T00:00", Interval.W1, "2026-02-28T12:00", "2026-03-04T12:00", None),
        ("2026-02-01T00:00", Interval.MO1, "2026-02-25T12:00", "2026-03-04T12:00", "2026-02-27T16:00"),
        ("2025-12-01T00:00", Interval.MO1, "2025-12-05T12:00", "2026-03-04T12:00", "2026-02-27T16:00"),
    ],
)
def test_an_unfinished_bar_counts_up_to_when_it_was_written(
    newest: str, interval: Interval, written: str, now: str, expected: str | None
) -> None:
    due = Due.of(WEEKS.between(0, (at(now) + ahead(interval)).timestamp()), interval, NEW_YORK)
    found = overdue_since(Reached(at(newest), at(written)), interval, at(now), due)
    assert found == (at(expected).astimezone(UTC) if expected else None)


def test_a_week_is_overdue_once_it_is_over() -> None:
    now, newest = at("2026-02-26T18:00"), Reached(at("2026-02-16T00:00"))
    due = Due.of(WEEKS.between(0, (now + ahead(Interval.W1)).timestamp()), Interval.W1, NEW_YORK)
    assert overdue_since(newest, Interval.W1, now, due) is None
    assert overdue_since(newest, Interval.W1, at("2026-02-27T17:00"), due) == at("2026-02-27T16:00")


def test_an_hour_that_is_counted_from_the_end_of_lunch_and_lasts_until_the_close_is_the_last_of_its_day() -> None:
    tokyo, zone = Spans.of(sessions("XTKS", date(2026, 2, 1), date(2026, 3, 4))), ZoneInfo("Asia/Tokyo")
    due = Due.of(tokyo, Interval.H1, zone)
    newest = Reached(datetime(2026, 3, 2, 14, 30, tzinfo=zone))
    assert overdue_since(newest, Interval.H1, datetime(2026, 3, 3, 0, tzinfo=zone), due) is None
    assert overdue_since(newest, Interval.H1, datetime(2026, 3, 3, 11, tzinfo=zone), due) == datetime(
        2026, 3, 3, 1, tzinfo=UTC
    )


def test_without_a_calendar_every_hour_counts() -> None:
    newest, now = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert overdue_since(Reached(newest), Interval.D1, now, None) == datetime(2026, 3, 3, tzinfo=UTC)
    unfinished = Reached(newest, newest + timedelta(hours=3))
    assert overdue_since(unfinished, Interval.D1, now, None) == datetime(2026, 3, 2, tzinfo=UTC)
