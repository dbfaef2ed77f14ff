"""When a schedule is due, and what is odd about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from stockjobs.domain.market.sessions import Session, no_sessions
from stockjobs.domain.work.jobs import ScheduleSpec
from stockjobs.services.work.preview import FIRST_PASS, LATE, MOVED, SECOND_PASS, Fire, fires_between, upcoming_fires


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def notes(start: datetime, count: int, **fields: object) -> list[str]:
    spec = ScheduleSpec.model_validate({"timeZone": "America/New_York", **fields})
    return [fire.note for fire in upcoming_fires(spec, no_sessions, start, count)]


def test_a_due_time_is_shown_in_utc_and_by_the_clocks_of_its_zone() -> None:
    spec = ScheduleSpec.model_validate({"cron": "0 18 * * *", "timeZone": "America/New_York"})
    [fire] = upcoming_fires(spec, no_sessions, utc(2026, 7, 1), 1)
    assert fire == Fire(utc(2026, 7, 1, 22), utc(2026, 7, 1, 22))
    assert f"{fire.local:%H:%M%z}" == "18:00-0400"


def test_a_time_that_the_clocks_jump_over_says_so() -> None:
    assert notes(utc(2026, 3, 7, 12), 2, cron="30 2 * * *") == [LATE, ""]
    assert notes(utc(2026, 3, 7, 12), 2, interval="R/2026-03-01T07:30:00Z/P1D") == [LATE, ""]
    assert notes(utc(2026, 3, 8, 6, 30), 2, cron="0 * * * *") == ["", ""]
    assert notes(utc(2026, 3, 8, 6, 30), 2, interval="R/PT1H") == ["", ""]


def test_a_time_that_comes_twice_says_which_it_is() -> None:
    assert notes(utc(2026, 11, 1, 5, 10), 3, cron="0,30 * * * *") == [FIRST_PASS, SECOND_PASS, SECOND_PASS]


def test_a_time_that_is_moved_to_the_next_session_says_so() -> None:
    def weekdays(exchange: str, first: date, last: date) -> Sequence[Session]:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [
            Session(exchange, day, utc(day.year, day.month, day.day), utc(day.year, day.month, day.day))
            for day in days
            if day.weekday() < 5
        ]

    spec = ScheduleSpec.model_validate(
        {"cron": "0 12 1 * *", "calendar": {"exchange": "XNYS", "otherwise": "next"}, "timeZone": "America/New_York"}
    )
    fires = upcoming_fires(spec, weekdays, utc(2026, 7, 2), 2)
    assert [(f"{fire.local:%m-%d}", fire.note) for fire in fires] == [("08-03", MOVED), ("09-01", "")]


def test_between_two_instants_the_first_belongs_and_the_last_does_not() -> None:
    spec = ScheduleSpec.model_validate({"interval": "R/PT1H"})
    found = fires_between(spec, no_sessions, utc(2026, 1, 1), utc(2026, 1, 1, 3), limit=99)
    assert [fire.at.hour for fire in found] == [0, 1, 2]
    assert len(fires_between(spec, no_sessions, utc(2026, 1, 1), utc(2027, 1, 1), limit=7)) == 7


def test_a_manual_schedule_has_no_due_times() -> None:
    assert upcoming_fires(ScheduleSpec(), no_sessions, utc(2026, 1, 1), 5) == []
