"""Changing jobs while everything runs: edits, pauses and what is due at that moment, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.scheduling.schedules import Misfire
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import Conflict, InvalidInput, NotFound, ProviderTransient
from stockjobs.services.work.administration import Change
from stockjobs.services.work.rescheduling import MANUAL
from stockjobs.store.ledger import events
from tests.fixtures.house import House, manifest

pytestmark = pytest.mark.integration

FIVE = {"cron": "*/5 * * * *", "concurrency": "allow"}


def runs(house: House, job: str = "DAILY") -> list[tuple[str, int]]:
    """The times at which occurrences of a job were due, and the versions that they run."""
    found = [report.occurrence for report in house.reports.occurrences(job=job, limit=1_000)]
    return sorted((f"{one.scheduled_for:%H:%M:%S}", one.version) for one in found)


def told(house: House, name: EventName) -> list[Event]:
    with house.database.read() as connection:
        return [event for event in events.latest(connection, 1_000) if event.name is name]


def test_what_was_due_before_an_edit_is_fired_as_it_was_and_the_new_schedule_counts_from_now(house: House) -> None:
    house.define(schedule=FIVE)
    house.clock.advance(timedelta(minutes=5, seconds=1))
    house.define(schedule={"cron": "*/2 * * * *", "concurrency": "allow"})
    assert runs(house) == [("12:05:00", 1)]
    house.clock.advance(timedelta(minutes=1))
    house.dispatch.fire()
    assert runs(house) == [("12:05:00", 1), ("12:06:00", 2)]


def test_an_edit_of_something_else_lets_the_next_due_time_be(house: House) -> None:
    house.define(schedule=FIVE)
    house.define(schedule=FIVE, description="other")
    house.clock.advance(timedelta(minutes=5))
    house.dispatch.fire()
    assert runs(house) == [("12:05:00", 2)]


def test_rescheduling_changes_the_rule_alone(house: House) -> None:
    house.define(schedule={**FIVE, "timeZone": "Europe/Paris", "misfire": "all"})
    applied = house.administration.reschedule("DAILY", {"interval": "R/2026-03-04T12:00:00Z/PT90S"}, by="test")
    schedule = applied.after.spec.schedule
    assert (applied.change, applied.after.version) == (Change.CONFIGURED, 2)
    assert (schedule.cron, schedule.interval) == (None, "R/2026-03-04T12:00:00Z/PT90S")
    assert (schedule.time_zone, schedule.misfire, schedule.concurrency) == ("Europe/Paris", "all", "allow")
    house.clock.advance(timedelta(seconds=90))
    assert house.dispatch.tick().fired == 1
    assert runs(house) == [("12:01:30", 2)]


def test_a_manual_job_may_be_given_a_schedule_and_lose_it_again(house: House) -> None:
    house.define()
    house.administration.reschedule("DAILY", {"cron": "* * * * *"}, by="test")
    house.clock.advance(timedelta(minutes=1))
    assert house.dispatch.fire().occurrences == 1
    applied = house.administration.reschedule("DAILY", MANUAL, by="test")
    assert (applied.after.spec.schedule.shown(), applied.after.next_due_at) == ("manual", None)


def test_the_calendar_of_a_session_rule_goes_with_it(house: House) -> None:
    house.define()
    session = {"session": "@open+5m", "calendar": {"exchange": "XNYS"}}
    assert house.administration.reschedule("DAILY", session, by="test").after.next_due_at is not None
    applied = house.administration.reschedule("DAILY", {"cron": "0 8 * * *"}, by="test")
    assert applied.after.spec.schedule.calendar is None


def test_rescheduling_to_what_is_there_already_changes_nothing(house: House) -> None:
    house.define(schedule=FIVE)
    applied = house.administration.reschedule("DAILY", {"cron": "*/5 * * * *"}, by="test")
    assert (applied.change, applied.after.version) == (Change.UNCHANGED, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cron": "0 0 30 2 *"}, "never fires"),
        ({"cron": "0 0 * * *", "interval": "R/PT5M"}, "exclude each other"),
        ({"once": "2020-01-01T00:00:00Z"}, "never due"),
        ({"interval": "R5/2020-01-01T00:00:00Z/PT1H"}, "never due"),
        ({"cron": "0 0 * * *", "not_after": "2026-01-01"}, "never due"),
        ({"session": "@open"}, "needs an exchange"),
        ({"time_zone": "Mars/Olympus"}, "zone"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_before_anything_is_written(
    house: House, changes: dict[str, object], message: str
) -> None:
    house.define(schedule=FIVE)
    with pytest.raises(InvalidInput, match=message):
        house.administration.reschedule("DAILY", changes, by="test")
    assert house.reports.job("DAILY").job.version == 1


def test_applying_a_job_that_is_never_due_is_refused_with_its_place(house: House) -> None:
    past = manifest("PAST", schedule={"once": "2020-01-01T00:00:00Z"})
    with pytest.raises(InvalidInput, match=r"PAST: spec\.schedule.*never due after 2026-03-04T12:00:00Z"):
        house.administration.apply([manifest("FINE"), past], by="test")
    assert house.reports.jobs() == []
    house.define("PAST", schedule={"once": "2020-01-01T00:00:00Z"}, enabled=False)


def test_an_applied_job_whose_only_time_has_passed_stays_as_it_is(house: House) -> None:
    once = {"once": "2026-03-04T12:30:00Z"}
    house.define(schedule=once)
    house.clock.advance(timedelta(hours=1))
    house.dispatch.fire()
    house.define(schedule=once, description="edited")
    assert runs(house) == [("12:30:00", 1)]


def test_rescheduling_a_job_that_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        house.administration.reschedule("NOBODY", MANUAL, by="test")


def test_disabling_fires_what_was_due_and_no_more(house: House) -> None:
    house.define(schedule=FIVE)
    house.clock.advance(timedelta(minutes=5))
    house.administration.set_enabled("DAILY", enabled=False, by="test")
    house.clock.advance(timedelta(hours=1))
    assert house.dispatch.fire().jobs == 0
    house.administration.set_enabled("DAILY", enabled=True, by="test")
    house.dispatch.fire()
    assert runs(house) == [("12:05:00", 1)]


def test_a_paused_job_holds_what_waits_and_takes_its_messages_back(house: House) -> None:
    house.define(schedule=FIVE)
    house.trigger()
    house.dispatch.tick()
    assert len(house.knocks(Lane.REALTIME)) == 1
    house.administration.pause("DAILY", by="test")
    assert [outcome.verdict for outcome in house.work(Lane.REALTIME)] == ["nothing"]
    house.clock.advance(timedelta(minutes=30))
    tick = house.dispatch.tick()
    assert (tick.fired, tick.offered) == (0, 0)
    assert house.reports.job("DAILY").job.status == "paused"
    house.administration.resume("DAILY", missed=Misfire.NONE, by="test")
    house.dispatch.tick()
    assert [outcome.verdict for outcome in house.work(Lane.REALTIME)] == ["completed", "completed"]


def test_a_running_task_of_a_paused_job_goes_on_and_its_retry_waits(house: House) -> None:
    house.define(symbols=["AAPL"], retry={"initial": "PT1S", "jitter": False})
    house.trigger()
    house.dispatch.tick()
    house.provider.errors["AAPL"] = [ProviderTransient("away")]
    house.provider.before = lambda request: house.administration.pause("DAILY", by="test") and None
    assert [outcome.verdict for outcome in house.work(Lane.REALTIME)] == ["retried"]
    house.clock.advance(timedelta(minutes=1))
    assert house.dispatch.tick().offered == 0
    house.administration.resume("DAILY", by="test")
    house.dispatch.tick()
    assert [outcome.verdict for outcome in house.work(Lane.REALTIME)] == ["completed"]


def test_a_paused_job_refuses_its_trigger_and_applying_does_not_resume_it(house: House) -> None:
    house.define(schedule=FIVE)
    house.administration.pause("DAILY", by="test")
    house.define(schedule=FIVE, description="edited")
    with pytest.raises(Conflict, match="is paused: resume it first"):
        house.trigger()
    assert house.reports.job("DAILY").job.paused


@pytest.mark.parametrize(
    ("policy", "missed", "made", "lost"),
    [
        ("latest", None, ["12:30:00"], 5),
        ("all", None, [f"12:{minute:02}:00" for minute in range(5, 31, 5)], 0),
        ("none", None, [], 6),
        ("all", Misfire.NONE, [], 6),
        ("none", Misfire.ALL, [f"12:{minute:02}:00" for minute in range(5, 31, 5)], 0),
    ],
)
def test_resuming_makes_up_what_was_missed_by_policy_and_tells_the_rest(
    house: House, policy: str, missed: Misfire | None, made: list[str], lost: int
) -> None:
    house.define(schedule={**FIVE, "misfire": policy})
    house.administration.pause("DAILY", by="test")
    house.clock.advance(timedelta(minutes=33))
    house.administration.resume("DAILY", missed=missed, by="test")
    assert [time for time, _ in runs(house)] == made
    assert sum(event.data["count"] for event in told(house, EventName.MISSED)) == lost
    house.clock.advance(timedelta(minutes=2))
    house.dispatch.fire()
    assert [time for time, _ in runs(house)] == [*made, "12:35:00"]


def test_rescheduling_a_paused_job_tells_what_it_missed(house: House) -> None:
    house.define(schedule=FIVE)
    house.administration.pause("DAILY", by="test")
    house.clock.advance(timedelta(minutes=30))
    house.administration.reschedule("DAILY", {"cron": "0 * * * *"}, by="test")
    [event] = told(house, EventName.MISSED)
    assert (event.data["count"], event.data["reason"]) == (6, "the job was paused")
    house.administration.resume("DAILY", by="test")
    assert runs(house) == []


def test_what_was_due_before_a_pause_is_held_and_not_missed(house: House) -> None:
    house.define(schedule=FIVE)
    house.clock.advance(timedelta(minutes=5))
    house.administration.pause("DAILY", by="test")
    assert runs(house) == [("12:05:00", 1)]
    assert house.dispatch.tick().offered == 0
    assert [task.state for task in house.tasks()] == [State.QUEUED]


def test_a_job_made_anew_after_it_was_deleted_while_paused_is_not_paused(house: House) -> None:
    house.define(schedule=FIVE)
    house.administration.pause("DAILY", by="test")
    house.administration.delete("DAILY", by="test")
    house.define(schedule=FIVE)
    assert house.reports.job("DAILY").job.status == "enabled"


def test_changes_are_told_with_who_made_them(house: House) -> None:
    house.define(schedule=FIVE)
    house.administration.pause("DAILY", by="ann")
    house.administration.resume("DAILY", by="bob")
    house.administration.set_enabled("DAILY", enabled=False, by="cy")
    changes = [{**event.data, "job": None} for event in told(house, EventName.CHANGED)]
    assert changes == [
        {"job": None, "by": "ann", "paused": True},
        {"job": None, "by": "bob", "paused": False},
        {"job": None, "by": "cy", "enabled": False},
    ]
