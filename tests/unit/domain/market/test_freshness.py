"""Since when a newer bar has been there to be had."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from stockjobs.domain.market.freshness import Due, overdue_since
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.sessions import Spans
from stockjobs.markets.sessions import sessions

NEW_YORK = ZoneInfo("America/New_York")
WEEKS = Spans.of(sessions("XNYS", date(2026, 2, 1), date(2026, 3, 4)))


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
    found = overdue_since(at(newest), interval, at(now), due)
    assert found == (at(expected).astimezone(UTC) if expected else None)


def test_an_hour_that_is_counted_from_the_end_of_lunch_and_lasts_until_the_close_is_the_last_of_its_day() -> None:
    tokyo, zone = Spans.of(sessions("XTKS", date(2026, 2, 1), date(2026, 3, 4))), ZoneInfo("Asia/Tokyo")
    due = Due.of(tokyo, Interval.H1, zone)
    newest = datetime(2026, 3, 2, 14, 30, tzinfo=zone)
    assert overdue_since(newest, Interval.H1, datetime(2026, 3, 3, 0, tzinfo=zone), due) is None
    assert overdue_since(newest, Interval.H1, datetime(2026, 3, 3, 11, tzinfo=zone), due) == datetime(
        2026, 3, 3, 1, tzinfo=UTC
    )


def test_without_a_calendar_every_hour_counts() -> None:
    newest, now = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert overdue_since(newest, Interval.D1, now, None) == datetime(2026, 3, 3, tzinfo=UTC)
