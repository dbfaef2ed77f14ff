"""The schedule of a definition: what is accepted, what is refused with its cure, and which rule it becomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from stockjobs.domain.market.sessions import no_sessions
from stockjobs.domain.scheduling.calendar import Calendar
from stockjobs.domain.scheduling.cron_rule import Cron
from stockjobs.domain.scheduling.jitter import delay
from stockjobs.domain.scheduling.rules import Once
from stockjobs.domain.scheduling.trading import AtSession, Edge, InHours, OnDays, Otherwise
from stockjobs.domain.scheduling.windows import Limited, Windowed
from stockjobs.domain.work.jobs import JobSpec, ScheduleSpec
from stockjobs.errors import InvalidInput

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
XNYS = Calendar("XNYS", no_sessions)


def schedule(**fields: Any) -> ScheduleSpec:
    return ScheduleSpec.model_validate(fields)


def test_a_session_rule_counts_from_an_edge_of_the_exchange_s_sessions() -> None:
    spec = schedule(session="@open+5m", calendar={"exchange": "XNYS"})
    assert spec.rule() == AtSession(XNYS, Edge.OPEN, timedelta(minutes=5))
    assert spec.shown() == "@open+5m XNYS"


def test_a_calendar_holds_a_rule_to_days_unless_it_says_hours() -> None:
    cron = Cron("0 18 * * *", "Asia/Tokyo")
    by = {"cron": "0 18 * * *", "timeZone": "Asia/Tokyo"}
    assert schedule(**by, calendar={"exchange": "XNYS"}).rule() == OnDays(cron, XNYS, Otherwise.SKIP, "Asia/Tokyo")
    in_hours = schedule(**by, calendar={"exchange": "XNYS", "within": "hours", "otherwise": "next"})
    assert in_hours.rule() == InHours(cron, XNYS, Otherwise.NEXT)


def test_a_window_is_put_around_the_rule_and_a_limit_around_both() -> None:
    spec = schedule(cron="0 0 * * *", notBefore="2026-01-01", notAfter="2026-12-31", limit=5, timeZone="Europe/Berlin")
    start, end = datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert spec.rule() == Limited(Windowed(Cron("0 0 * * *", "Europe/Berlin"), start, end), start, 5)


def test_the_first_and_the_last_day_of_a_window_belong_to_it() -> None:
    spec = schedule(cron="0 12 * * *", notBefore="2026-11-23", notAfter="2026-11-24")
    assert list(spec.rule().iterate(NOW)) == [datetime(2026, 11, day, 12, tzinfo=UTC) for day in (23, 24)]


CRON = {"cron": "0 0 * * *"}
XN = {"exchange": "XNYS"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"session": "@open"}, r"session @open needs an exchange \(add calendar: \{exchange: XNYS\}\)"),
        ({"session": "@noon", "calendar": XN}, "'@noon' is not a session rule"),
        ({"session": "@open", "cron": "0 0 * * *", "calendar": XN}, "cron and session exclude each other .keep one"),
        ({"once": "2026-01-01T00:00:00Z", "interval": "R/PT5M"}, "interval and once exclude each other"),
        ({"session": "@open", "calendar": {**XN, "within": "days"}}, "within and otherwise do not go with session"),
        ({"session": "@open", "calendar": {**XN, "otherwise": "next"}}, "within and otherwise do not go with session"),
        ({**CRON, "calendar": {"exchange": "XNYC"}}, r"'XNYC' is not an exchange .* \(did you mean XNYS"),
        ({**CRON, "calendar": {"exchange": "xnys"}}, "did you mean XNYS"),
        ({**CRON, "calendar": {"exchange": "NMS"}}, "'NMS' is not an exchange with a calendar"),
        ({**CRON, "calendar": {"exchange": "?" * 5_000}}, "a MIC such as XNYS, or 24/7, or 24/5"),
        ({**CRON, "calendar": {**XN, "within": "weeks"}}, "'weeks' is not one of days, hours"),
        ({**CRON, "calendar": {**XN, "otherwise": "later"}}, "'later' is not one of skip, next"),
        ({**CRON, "calendar": {}}, "Field required"),
        ({"calendar": XN}, r"calendar belongs to a schedule \(add cron, interval, once or session, or remove it\)"),
        ({"limit": 5}, "limit belongs to a schedule"),
        ({"notBefore": "2026-01-01"}, "notBefore belongs to a schedule"),
        ({"jitter": "PT5S"}, "jitter belongs to a schedule"),
        ({**CRON, "notBefore": "2026-02-01", "notAfter": "2026-01-31"}, "notAfter 2026-01-31 is before notBefore 2026-02-01"),
        ({**CRON, "notAfter": "2026-02-30"}, "'2026-02-30' is not a possible day"),
        ({**CRON, "notAfter": "soon"}, "'soon' is not an instant"),
        ({**CRON, "limit": 5}, r"limit has to know from when to count \(add notBefore"),
        ({**CRON, "limit": 0, "notBefore": "2026-01-01"}, "greater than or equal to 1"),
        ({**CRON, "limit": 10_001, "notBefore": "2026-01-01"}, "less than or equal to 10000"),
        ({"interval": "R/PT5M", "limit": 5, "notBefore": "2026-01-01"}, r"limit does not go with interval.*such as R10/"),
        ({"once": "2026-01-01T00:00:00Z", "limit": 5, "notBefore": "2026-01-01"}, "limit does not go with once"),
        ({**CRON, "jitter": "P2D"}, r"jitter P2D is longer than a day \(at most PT24H\)"),
        ({**CRON, "jitter": "PT0S"}, "is not a positive duration"),
        ({**CRON, "jitter": "-PT5S"}, "is not a positive duration"),
        ({**CRON, "timeZone": "Europe/Berlni"}, r"did you mean Europe/Berlin\?"),
        ({"interval": "R0/2026-01-01T00:00:00Z/PT5M"}, "never repeats"),
        ({"interval": "R/P0D"}, "is not a positive duration"),
        ({"cron": "0 0 30 2 *"}, "never fires"),
        ({"once": "2026-02-30T00:00:00Z"}, "is not a possible instant"),
    ],
)  # fmt: skip
def test_a_bad_schedule_is_refused_with_its_cure(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        schedule(**fields)


def test_a_window_of_one_instant_is_a_window() -> None:
    once = "2026-12-01T00:00:00Z"
    assert schedule(cron="0 0 * * *", notBefore=once, notAfter=once).rule().after(NOW) == datetime(
        2026, 12, 1, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"once": "2026-11-22T09:00:00Z"}, "2026-11-22T09:00:00Z (give a time to come"),
        ({"interval": "R5/2026-01-01T00:00:00Z/P1D"}, "R5/2026-01-01T00:00:00Z/P1D (its repetitions are over"),
        ({**CRON, "notAfter": "2026-11-21"}, "0 0 * * *, notAfter 2026-11-21 (its window"),
        ({**CRON, "notBefore": "2026-01-01", "limit": 9}, "0 0 * * *, notBefore 2026-01-01, limit 9 (its window"),
    ],
)
def test_a_schedule_that_is_over_is_refused_with_what_is_over(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        schedule(**fields).check_due_after(NOW)
    assert str(caught.value).startswith("spec.schedule: this schedule is never due after 2026-11-22T09:00:00Z: ")
    assert told in str(caught.value)


def test_a_schedule_without_a_session_to_fall_into_is_refused() -> None:
    def none(exchange: str, first: object, last: object) -> list[Any]:
        return []

    with pytest.raises(InvalidInput, match="no time of it falls into a session"):
        schedule(**CRON, calendar=XN).check_due_after(NOW, none)


def test_a_manual_schedule_and_one_that_goes_on_are_not_refused() -> None:
    schedule().check_due_after(NOW)
    schedule(**CRON).check_due_after(NOW)
    schedule(once="2026-11-22T09:00:01Z").check_due_after(NOW)


def test_what_is_not_said_of_a_schedule_is_not_in_its_document() -> None:
    document = JobSpec.model_validate({"type": "marketdata", "schedule": CRON}).document()["schedule"]
    assert set(document) == {"cron", "timeZone", "misfire", "grace", "concurrency"}


@pytest.mark.parametrize(
    "fields",
    [
        {"session": "@close-10m", "calendar": XN, "jitter": "PT30S"},
        {**CRON, "calendar": {**XN, "within": "hours", "otherwise": "next"}},
        {**CRON, "notBefore": "2026-01-01", "notAfter": "2026-12-31T12:00:00+01:00", "limit": 5},
    ],
)
def test_a_schedule_reads_back_from_its_document(fields: dict[str, Any]) -> None:
    job = JobSpec.model_validate({"type": "marketdata", "schedule": fields})
    again = JobSpec.model_validate(job.document())
    assert (again, again.digest()) == (job, job.digest())


def test_an_interval_counts_its_days_in_the_zone_of_the_schedule() -> None:
    rule = schedule(interval="R/2026-03-07T14:30:00Z/P1D", timeZone="America/New_York").rule()
    assert list(zip(rule.iterate(datetime(2026, 3, 7, tzinfo=UTC)), range(2), strict=False)) == [
        (datetime(2026, 3, 7, 14, 30, tzinfo=UTC), 0),
        (datetime(2026, 3, 8, 13, 30, tzinfo=UTC), 1),
    ]


def test_a_single_time_is_a_rule_without_a_calendar() -> None:
    assert schedule(once="2026-01-01T00:00:00Z", jitter="PT5M").rule() == Once(datetime(2026, 1, 1, tzinfo=UTC))


def test_jitter_delays_by_less_than_itself_evenly_and_the_same_everywhere() -> None:
    jitter = timedelta(seconds=30)
    ids = [uuid4() for _ in range(2_000)]
    delays = [delay(jitter, one) for one in ids]
    assert all(timedelta(0) <= one < jitter for one in delays)
    assert 13 < sum(one.total_seconds() for one in delays) / 2_000 < 17
    assert delays == [delay(jitter, one) for one in ids]
    assert delay(timedelta(microseconds=1), ids[0]) == timedelta(0)
