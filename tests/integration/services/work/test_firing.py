"""Firing on both databases: many jobs at once, what is missed, clocks that jump, overlaps, jitter."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.sessions import Session
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import NotFound, SymbolUnknown
from stockjobs.markets.sessions import sessions
from stockjobs.services.work import firing
from stockjobs.services.work.firing import Firing
from stockjobs.store import tables
from stockjobs.store.ledger import events
from tests.fixtures.house import House, manifest

pytestmark = pytest.mark.integration

FIVE = {"cron": "*/5 * * * *", "concurrency": "allow"}
FIVE_MINUTES = timedelta(minutes=5)


def times(house: House, job: str = "DAILY", *, skipped: bool = False) -> list[str]:
    """When the occurrences of a job were due, the oldest first."""
    found = [report.occurrence for report in house.reports.occurrences(job=job, limit=10_000)]
    return sorted(f"{one.scheduled_for:%d %H:%M:%S}" for one in found if (one.state is State.SKIPPED) == skipped)


def missed(house: House) -> list[Event]:
    with house.database.read() as connection:
        return [one for one in events.latest(connection, 10_000) if one.name is EventName.MISSED]


def fire_all(house: House) -> list[int]:
    """Fire batch after batch until nothing is due; how many jobs each took."""
    found = []
    while (fired := house.dispatch.fire()).jobs:
        found.append(fired.jobs)
    return found


def test_many_due_jobs_are_fired_batch_after_batch_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "JOBS_A_BATCH", 20)
    house.administration.apply([manifest(f"J{number:02}", schedule=FIVE) for number in range(50)], by="test")
    house.clock.advance(FIVE_MINUTES)
    first = house.dispatch.tick()
    assert (first.fired, first.wait) == (20, timedelta(0))
    assert fire_all(house) == [20, 10]
    assert [times(house, f"J{number:02}") for number in range(50)] == [["04 12:05:00"]] * 50
    assert len(house.tasks()) == 50


def test_a_batch_takes_as_many_statements_as_one_job(house: House) -> None:
    counted: list[str] = []
    event.listen(house.database.engine, "before_cursor_execute", lambda *told: counted.append(told[2]))
    numbers = []
    for count in (1, 60):
        names = [f"J{count}-{number}" for number in range(count)]
        house.administration.apply([manifest(name, schedule=FIVE) for name in names], by="test")
        house.clock.advance(FIVE_MINUTES)
        counted.clear()
        assert house.dispatch.fire().occurrences >= count
        numbers.append(len(counted))
    assert numbers[1] == numbers[0] <= 15


def test_jobs_that_cannot_be_fired_keep_no_others_from_it_and_are_tried_again_once_they_are_changed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firing, "JOBS_A_BATCH", 3)
    house.administration.apply([manifest(f"A{number}", schedule=FIVE) for number in range(6)], by="test")
    with house.database.begin() as connection:
        connection.execute(tables.job_versions.update().values(spec={"type": "astrology"}, digest="unreadable"))
    house.clock.advance(timedelta(minutes=1))
    house.define("FINE", schedule=FIVE)
    house.clock.advance(FIVE_MINUTES)
    for _ in range(4):
        house.dispatch.fire()
    assert times(house, "FINE") == ["04 12:05:00"]
    assert len(house.firing.unable) == 6
    house.dispatch.tick()
    assert house.dispatch.tick().wait > timedelta(milliseconds=50)


@pytest.mark.parametrize(
    ("policy", "made", "lost"),
    [
        ("all", ["04 13:00:00", "04 14:00:00", "04 15:00:00"], None),
        ("latest", ["04 15:00:00"], ("2026-03-04T13:00:00+00:00", "2026-03-04T14:00:00+00:00", 2)),
        ("none", [], ("2026-03-04T13:00:00+00:00", "2026-03-04T15:00:00+00:00", 3)),
    ],
)
def test_what_was_missed_is_made_up_by_policy_and_the_rest_is_told(
    house: House, policy: str, made: list[str], lost: tuple[str, str, int] | None
) -> None:
    house.define(schedule={"cron": "0 * * * *", "misfire": policy, "concurrency": "allow"})
    house.clock.advance(timedelta(hours=3, minutes=30))
    assert house.dispatch.tick().missed == (lost[2] if lost else 0)
    assert times(house) == made
    assert [(one.data["first"], one.data["last"], one.data["count"]) for one in missed(house)] == (
        [lost] if lost else []
    )


def test_within_the_grace_nothing_is_missed(house: House) -> None:
    house.define(schedule={"cron": "0 * * * *", "misfire": "none", "grace": "PT10M"})
    house.clock.advance(timedelta(hours=1, minutes=9))
    house.dispatch.fire()
    assert (times(house), missed(house)) == (["04 13:00:00"], [])


def test_of_a_long_downtime_a_thousand_are_made_up_and_the_rest_is_told(house: House) -> None:
    house.define(symbols=["AAPL"], schedule={"cron": "* * * * *", "misfire": "all", "concurrency": "allow"})
    house.clock.advance(timedelta(days=30))
    house.dispatch.fire()
    [event] = missed(house)
    with house.database.read() as connection:
        made = connection.execute(tables.occurrences.select()).all()
    assert len(made) == 1_000
    assert event.data["count"] + len(made) == 30 * 24 * 60 or not event.data["is_exact"]
    assert event.data["first"] == "2026-03-04T12:01:00+00:00"


@pytest.mark.parametrize("jumps", [(60, -60), (-60, 60), (60, -30, -30, 90), (-60,)])
def test_a_clock_that_jumps_loses_and_doubles_nothing(house: House, jumps: tuple[int, ...]) -> None:
    house.define(schedule={**FIVE, "misfire": "all"})
    start, furthest = house.clock.now, house.clock.now
    for jump in (0, *jumps):
        house.clock.advance(timedelta(minutes=jump))
        for _ in range(4):
            house.clock.advance(timedelta(minutes=1))
            house.dispatch.fire()
            furthest = max(furthest, house.clock.now)
    assert times(house) == _every_five_minutes(start, furthest)
    assert missed(house) == []


def _every_five_minutes(start: datetime, end: datetime) -> list[str]:
    count = int((end - start) / FIVE_MINUTES)
    return [f"{start + number * FIVE_MINUTES:%d %H:%M:%S}" for number in range(1, count + 1)]


def test_several_due_together_run_in_turn_where_overlap_is_forbidden(house: House) -> None:
    house.define(schedule={"cron": "0 * * * *", "misfire": "all", "concurrency": "forbid"})
    house.provider.errors["AAPL"] = [SymbolUnknown("no such symbol")]
    house.clock.advance(timedelta(hours=3))
    worked = []
    for _ in range(4):
        house.dispatch.tick()
        open_ones = [r.occurrence for r in house.reports.occurrences(states=[State.QUEUED, State.RUNNING])]
        worked += [f"{one.scheduled_for:%H}" for one in open_ones]
        house.work(Lane.REALTIME)
    assert worked == ["13", "14", "15"]
    ended = sorted(
        (f"{one.scheduled_for:%H}", one.state) for one in (r.occurrence for r in house.reports.occurrences())
    )
    assert ended == [("13", State.FAILED), ("14", State.COMPLETED), ("15", State.COMPLETED)]


def test_none_of_several_due_together_runs_beside_one_that_runs_already(house: House) -> None:
    house.define(schedule={"cron": "0 * * * *", "misfire": "all", "concurrency": "forbid"})
    house.trigger()
    house.clock.advance(timedelta(hours=2))
    house.dispatch.fire()
    assert times(house, skipped=True) == ["04 13:00:00", "04 14:00:00"]


def test_a_calendar_that_cannot_be_read_keeps_no_other_job_from_being_due_again(house: House) -> None:
    def one_breaks(exchange: str, first: date, last: date) -> list[Session]:
        if exchange == "XLON":
            raise NotFound("this calendar cannot be computed")
        return sessions(exchange, first, last)

    for name, exchange in (("BROKEN", "XLON"), ("GOOD", "XNYS")):
        house.define(name, schedule={"session": "@open", "calendar": {"exchange": exchange}})
    with house.database.begin() as connection:
        connection.execute(tables.jobs.update().values(next_due_at=None))
    assert house.dispatcher(firing=Firing(house.instances, one_breaks)).revive() == 1
    assert house.reports.job("GOOD").job.next_due_at is not None


def test_of_several_due_together_that_replace_each_other_the_last_runs(house: House) -> None:
    house.define(schedule={"cron": "0 * * * *", "misfire": "all", "concurrency": "replace"})
    for hours in (1, 3):
        house.clock.advance(timedelta(hours=hours))
        house.dispatch.fire()
    states = [(f"{one.scheduled_for:%H}", one.state) for one in (r.occurrence for r in house.reports.occurrences())]
    assert sorted(states) == [
        ("13", State.CANCELLED),
        ("14", State.SKIPPED),
        ("15", State.SKIPPED),
        ("16", State.QUEUED),
    ]


def test_jitter_starts_each_job_at_a_time_of_its_own_and_leaves_the_due_time_alone(house: House) -> None:
    names = [f"J{number}" for number in range(20)]
    for name in names:
        house.define(name, schedule={**FIVE, "jitter": "PT60S"})
    house.clock.advance(FIVE_MINUTES)
    due_at = house.clock.now
    house.dispatch.tick()
    found = [report.occurrence for report in house.reports.occurrences()]
    assert {one.scheduled_for for one in found} == {due_at}
    starts = {one.start_after for one in found}
    assert len(starts) == 20
    assert all(start is not None and due_at <= start < due_at + timedelta(minutes=1) for start in starts)
    assert {task.state for task in house.tasks()} == {State.SCHEDULED}
    house.clock.advance(timedelta(minutes=1))
    assert house.dispatch.tick().offered == 20


def test_a_beat_reads_a_calendar_between_two_batches_and_not_while_it_holds_jobs(house: House) -> None:
    at_open = {"session": "@open", "calendar": {"exchange": "XNYS"}}
    house.define("OPENING", schedule=at_open)
    house.define("PLAIN", schedule={"cron": "30 14 * * *"})
    house.clock.advance(timedelta(hours=3))
    another = house.dispatcher(firing=Firing(house.instances, sessions))
    first, second = another.fire(), another.fire()
    assert (first.occurrences, first.has_more) == (1, True)
    assert (second.occurrences, second.has_more) == (1, False)


def test_jobs_are_due_again_when_a_calendar_that_had_ended_goes_on(house: House) -> None:
    def known(_: str, first: date, last: date) -> list[Session]:
        return sessions("XNYS", first, min(last, date(2026, 3, 5)))

    beat = house.dispatcher(firing=Firing(house.instances, known))
    house.define("OPENING", schedule={"session": "@open", "calendar": {"exchange": "XNYS"}})
    house.define("ASKED")
    house.clock.advance(timedelta(days=3))
    beat.fire()
    beat.fire()
    assert house.reports.job("OPENING").job.next_due_at is None
    assert beat.revive() == 0
    assert house.dispatcher().revive() == 1
    assert house.reports.job("OPENING").job.next_due_at == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)
    assert house.reports.job("ASKED").job.next_due_at is None


def test_a_session_rule_is_fired_by_the_exchange(house: House) -> None:
    house.define(schedule={"session": "@open+5m", "calendar": {"exchange": "XNYS"}, "concurrency": "allow"})
    for _ in range(3):
        house.clock.advance(timedelta(days=1))
        house.dispatch.fire()
    # From Wednesday noon on, and none on Saturday; New York opens at 14:30 UTC.
    assert times(house) == ["04 14:35:00", "05 14:35:00", "06 14:35:00"]
