"""When fundamentals are worth a question."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.asking.reporting import IN_SEASON, OUT_OF_SEASON, Reported, ask_at

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_company_that_was_never_asked_about_is_asked_about_now() -> None:
    assert ask_at(None, NOW) == NOW


def test_one_without_reports_is_asked_about_once_a_week() -> None:
    assert ask_at(Reported(NOW - HOUR), NOW) == NOW - HOUR + OUT_OF_SEASON


def test_before_the_next_quarter_can_be_reported_it_is_asked_about_once_a_week() -> None:
    # The quarter that ends on 31 March is reported from 14 April on.
    known = Reported(at("2026-03-01 02:00"), date(2025, 12, 31))
    assert ask_at(known, NOW) == at("2026-03-01 02:00") + OUT_OF_SEASON


def test_while_the_next_quarter_can_be_reported_it_is_asked_about_once_a_day() -> None:
    known = Reported(at("2026-04-20 02:00"), date(2025, 12, 31))
    assert ask_at(known, NOW) == at("2026-04-20 22:00")


def test_the_season_begins_two_weeks_after_the_end_of_the_quarter() -> None:
    known = Reported(at("2026-04-13 12:00"), date(2025, 12, 31))
    assert ask_at(known, NOW) == at("2026-04-14 08:00")
    assert ask_at(Reported(at("2026-04-12 12:00"), date(2025, 12, 31)), NOW) == at("2026-04-14 00:00")


def test_a_company_that_stopped_reporting_is_asked_about_once_a_week_again() -> None:
    known = Reported(at("2026-07-05 02:00"), date(2025, 12, 31))
    assert ask_at(known, NOW) == at("2026-07-05 02:00") + OUT_OF_SEASON


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.one_of(st.none(), st.dates(date(2015, 1, 1), date(2030, 1, 1))),
)
def test_the_pause_is_never_shorter_than_a_day_s_nor_longer_than_a_week_s(
    asked_at: datetime, newest: date | None
) -> None:
    assert asked_at + IN_SEASON <= ask_at(Reported(asked_at, newest), NOW) <= asked_at + OUT_OF_SEASON
