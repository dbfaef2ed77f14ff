"""Jobs that wait for others, on both databases: who starts when, and what becomes of those whose others failed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from stockjobs.domain import ids
from stockjobs.domain.events import EventName
from stockjobs.domain.work.dependencies import Standing
from stockjobs.domain.work.lanes import Lane
from stockjobs.domain.work.states import State
from stockjobs.errors import Conflict, InvalidInput, SymbolUnknown
from stockjobs.services.work import waiting
from stockjobs.services.work.reports import OccurrenceReport
from stockjobs.store import tables
from stockjobs.store.ledger import dependencies, waits
from tests.fixtures.house import House, manifest
from tests.integration.services.work.test_races import at_once

pytestmark = pytest.mark.integration

EVERY_5 = {"cron": "*/5 * * * *"}
S = State


def on(job: str, match: str = "same-time", on_failure: str = "skip") -> list[dict[str, str]]:
    return [{"job": job, "match": match, "onFailure": on_failure}]


def newest(house: House, job: str) -> OccurrenceReport:
    return house.reports.occurrences(job=job)[0]


def state(house: House, job: str) -> State:
    return newest(house, job).occurrence.state


def reason(house: House, job: str) -> str | None:
    return newest(house, job).occurrence.reason


def fire(house: House) -> None:
    """Let the next five minutes come, and tick."""
    house.clock.advance(timedelta(minutes=5))
    house.dispatch.tick()


def work(house: House) -> None:
    house.work(Lane.REALTIME)
    house.dispatch.tick()


def fail(house: House, symbol: str = "AAPL") -> None:
    house.provider.errors[symbol] = [SymbolUnknown("nobody knows it")]


def test_a_dependent_job_starts_when_the_occurrence_of_the_same_time_has_completed(house: House) -> None:
    house.define("BASE", schedule=EVERY_5)
    house.define("TOP", schedule=EVERY_5, dependsOn=on("BASE"))
    fire(house)
    assert (state(house, "BASE"), state(house, "TOP")) == (S.QUEUED, S.SCHEDULED)
    assert newest(house, "TOP").tasks == {}
    house.dispatch.tick()
    assert len(house.knocks(Lane.REALTIME)) == 1
    work(house)
    assert (state(house, "BASE"), state(house, "TOP")) == (S.COMPLETED, S.QUEUED)
    work(house)
    assert state(house, "TOP") is S.COMPLETED


def test_what_it_waits_for_is_kept_with_how_it_stands(house: House) -> None:
    house.define("BASE", schedule=EVERY_5)
    house.define("TOP", schedule=EVERY_5, dependsOn=on("BASE", on_failure="run"))
    fire(house)
    top = newest(house, "TOP").occurrence.id
    base = newest(house, "BASE").occurrence.id
    with house.database.read() as connection:
        [awaited] = waits.awaited_by(connection, [top])[top]
    assert (awaited.job, awaited.occurrence_id, awaited.state) == ("BASE", base, S.QUEUED)
    fail(house)
    work(house)
    with house.database.read() as connection:
        [awaited] = waits.awaited_by(connection, [top])[top]
    assert (awaited.state, awaited.known) == (S.FAILED, Standing.UNMET)
    assert state(house, "TOP") is S.QUEUED


@pytest.mark.parametrize(
    ("policy", "ends_as", "how"), [("skip", S.SKIPPED, "was skipped"), ("fail", S.FAILED, "failed")]
)
def test_a_failure_ends_the_dependents_by_their_policies_down_the_chain(
    house: House, policy: str, ends_as: State, how: str
) -> None:
    house.define("BASE", schedule=EVERY_5)
    house.define("MIDDLE", schedule=EVERY_5, dependsOn=on("BASE", on_failure=policy))
    house.define("TOP", schedule=EVERY_5, dependsOn=on("MIDDLE"))
    house.define("ANYWAY", schedule=EVERY_5, dependsOn=on("MIDDLE", on_failure="run"))
    fire(house)
    fail(house)
    work(house)
    assert (state(house, "MIDDLE"), reason(house, "MIDDLE")) == (ends_as, "it waited for 'BASE', which failed")
    assert (state(house, "TOP"), reason(house, "TOP")) == (S.SKIPPED, f"it waited for 'MIDDLE', which {how}")
    assert state(house, "ANYWAY") is S.QUEUED
    of_middle = house.feed.filter(occurrence=str(newest(house, "MIDDLE").occurrence.id))
    told = {event.name for event in house.feed.after(0, of_middle)}
    assert told == {EventName.SCHEDULED, EventName.SKIPPED if policy == "skip" else EventName.FAILED}


def test_what_is_cancelled_or_was_skipped_did_not_succeed(house: House) -> None:
    house.define("BASE", schedule=EVERY_5)
    house.define("TOP", schedule=EVERY_5 | {"concurrency": "allow"}, dependsOn=on("BASE"))
    fire(house)
    fire(house)
    assert reason(house, "TOP") == "it waited for 'BASE', which was skipped"
    house.steering.cancel(str(house.reports.occurrences(job="BASE")[1].occurrence.id), by="test")
    house.dispatch.tick()
    assert {one.occurrence.reason for one in house.reports.occurrences(job="TOP")} == {
        "it waited for 'BASE', which was skipped",
        "it waited for 'BASE', which was cancelled",
    }


def test_it_does_not_wait_for_a_time_at_which_the_other_is_never_due(house: House) -> None:
    house.define("BASE", schedule={"cron": "0 0 1 1 *"})
    house.define("TOP", schedule=EVERY_5, dependsOn=on("BASE"))
    fire(house)
    assert reason(house, "TOP") == "it waited for 'BASE', which has no occurrence at that time, and will have none"


def test_it_waits_for_a_due_time_that_has_not_been_turned_into_an_occurrence_yet(house: House) -> None:
    house.define("BASE", schedule=EVERY_5)
    house.define("TOP", schedule=EVERY_5, dependsOn=on("BASE"))
    house.clock.advance(timedelta(minutes=5))
    with house.database.begin() as connection:
        # The other beat has BASE in its hand.
        house.firing.fire(connection, house.reports.job("TOP").job, house.clock.now)
    house.dispatch.waiting.resolve()
    assert state(house, "TOP") is S.SCHEDULED
    house.dispatch.tick()
    work(house)
    assert state(house, "TOP") is S.QUEUED


def test_a_job_that_is_disabled_is_not_waited_for(house: House) -> None:
    house.define("BASE", schedule=EVERY_5)
    house.define("TOP", schedule=EVERY_5, dependsOn=on("BASE"))
    house.administration.set_enabled("BASE", enabled=False, by="test")
    fire(house)
    assert state(house, "TOP") is S.SKIPPED


def test_the_latest_is_taken_as_it_is_when_the_dependent_is_due(house: House) -> None:
    house.define("BASE")
    house.define("TOP", schedule=EVERY_5, dependsOn=on("BASE", "latest"))
    first = house.trigger("BASE")
    house.dispatch.tick()
    work(house)
    house.clock.advance(timedelta(minutes=1))
    house.trigger("BASE")
    house.dispatch.tick()
    house.clock.advance(timedelta(minutes=4))
    house.dispatch.tick()
    assert state(house, "TOP") is S.SCHEDULED
    work(house)
    assert state(house, "TOP") is S.QUEUED
    assert first.id != newest(house, "BASE").occurrence.id


def test_without_any_the_first_is_waited_for(house: House) -> None:
    house.define("BASE")
    house.define("TOP", schedule=EVERY_5, dependsOn=on("BASE", "latest"))
    fire(house)
    house.dispatch.tick()
    assert state(house, "TOP") is S.SCHEDULED
    house.trigger("BASE")
    house.dispatch.tick()
    assert state(house, "TOP") is S.SCHEDULED
    work(house)
    assert state(house, "TOP") is S.QUEUED


def test_a_triggered_dependent_takes_the_latest_and_starts_at_once_if_that_completed(house: House) -> None:
    house.define("BASE", schedule=EVERY_5)
    house.define("TOP", dependsOn=on("BASE"))
    fire(house)
    work(house)
    assert house.trigger("TOP").state is S.QUEUED
    assert [task.job for task in house.tasks() if task.state is S.QUEUED] == ["TOP"]


def test_a_triggered_dependent_is_skipped_at_once_if_the_latest_failed(house: House) -> None:
    house.define("BASE")
    house.define("TOP", dependsOn=on("BASE"))
    house.trigger("BASE")
    house.dispatch.tick()
    fail(house)
    work(house)
    assert house.trigger("TOP").state is S.SKIPPED


def test_the_version_that_it_was_made_under_is_the_one_that_runs(house: House) -> None:
    house.define("BASE", schedule=EVERY_5)
    house.define("TOP", schedule=EVERY_5, dependsOn=on("BASE"), symbols=["AAPL"])
    fire(house)
    house.define("TOP", schedule=EVERY_5, dependsOn=on("BASE"), symbols=["NVDA"])
    work(house)
    assert [task.symbols for task in house.tasks() if task.job == "TOP"] == [("AAPL",)]


def test_one_that_waits_counts_as_open(house: House) -> None:
    house.define("BASE", schedule=EVERY_5 | {"concurrency": "allow"})
    house.define("TOP", schedule=EVERY_5 | {"concurrency": "forbid"}, dependsOn=on("BASE"))
    fire(house)
    fire(house)
    assert (state(house, "TOP"), reason(house, "TOP")) == (S.SKIPPED, "the occurrence before it still runs")
    with pytest.raises(Conflict, match="is scheduled, and the job's concurrency policy forbids a second one"):
        house.trigger("TOP")


def test_one_that_waits_is_replaced_by_the_next_and_never_starts(house: House) -> None:
    house.define("BASE", schedule=EVERY_5 | {"concurrency": "allow"})
    house.define("TOP", schedule=EVERY_5 | {"concurrency": "replace"}, dependsOn=on("BASE"))
    fire(house)
    fire(house)
    work(house)
    work(house)
    states = [one.occurrence.state for one in house.reports.occurrences(job="TOP")]
    assert states == [S.COMPLETED, S.CANCELLED]
    assert {task.occurrence_id for task in house.tasks() if task.job == "TOP"} == {newest(house, "TOP").occurrence.id}
    with house.database.read() as connection:
        assert not connection.execute(select(waits.any_waits())).scalar()


def test_one_that_waits_can_be_cancelled(house: House) -> None:
    house.define("BASE", schedule=EVERY_5)
    house.define("TOP", schedule=EVERY_5, dependsOn=on("BASE"))
    fire(house)
    house.steering.cancel(str(newest(house, "TOP").occurrence.id), by="test")
    work(house)
    assert state(house, "TOP") is S.CANCELLED


@pytest.mark.parametrize("attempt", range(5))
def test_beats_and_a_cancel_at_once_leave_no_task_behind(house: House, attempt: int) -> None:
    house.define("BASE", schedule=EVERY_5)
    for number in range(8):
        house.define(f"TOP{number}", schedule=EVERY_5, dependsOn=on("BASE"))
    fire(house)
    house.work(Lane.REALTIME)
    cancelled = [newest(house, f"TOP{number}").occurrence.id for number in range(4)]

    def cancel() -> int:
        return sum(house.steering.cancel(str(one), by="test").state is S.CANCELLED for one in cancelled)

    answers = at_once(cancel, *[house.dispatcher().waiting.resolve] * 3)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    house.dispatch.waiting.resolve()
    for number in range(8):
        expected = S.CANCELLED if number < 4 else S.QUEUED
        assert state(house, f"TOP{number}") is expected
        tasks = [task.state for task in house.tasks() if task.job == f"TOP{number}"]
        assert set(tasks) <= {expected}
    assert len([task for task in house.tasks() if task.job in {f"TOP{n}" for n in range(4, 8)}]) == 4


def test_many_dependents_of_one_job_start_in_one_tick(house: House) -> None:
    house.define("BASE", schedule=EVERY_5)
    house.administration.apply(
        [manifest(f"TOP{number:03d}", schedule=EVERY_5, dependsOn=on("BASE")) for number in range(250)], by="test"
    )
    fire(house)
    house.work(Lane.REALTIME)
    assert house.dispatch.waiting.resolve() == 250
    assert len([task for task in house.tasks() if task.state is S.QUEUED]) == 250


@pytest.mark.parametrize(
    ("depends_on", "told"),
    [
        (on("NONE"), "TOP: spec.dependsOn[0].job: there is no job 'NONE'"),
        (on("BASS"), "there is no job 'BASS' (did you mean BASE?)"),
        (on("TOP"), "TOP depends on itself: TOP → TOP"),
        (on("BASE") + on("BASE", "latest"), "TOP: spec.dependsOn[1].job: 'BASE' is named twice"),
    ],
)
def test_a_dependency_that_cannot_be_is_refused_and_nothing_is_written(
    house: House, depends_on: list[dict[str, str]], told: str
) -> None:
    house.define("BASE")
    with pytest.raises(InvalidInput) as refused:
        house.administration.apply([manifest("OTHER"), manifest("TOP", dependsOn=depends_on)], by="test")
    assert told in str(refused.value)
    assert [report.job.name for report in house.reports.jobs()] == ["BASE"]


def test_a_circle_across_one_apply_and_what_is_stored_is_refused_by_its_name(house: House) -> None:
    house.define("a")
    house.define("b", dependsOn=on("a"))
    with pytest.raises(InvalidInput) as refused:
        house.administration.apply([manifest("c", dependsOn=on("b")), manifest("a", dependsOn=on("c"))], by="test")
    assert "a: spec.dependsOn: these jobs would wait for each other for ever: a → c → b → a" in str(refused.value)
    assert [report.job.name for report in house.reports.jobs()] == ["a", "b"]


def test_jobs_may_be_applied_together_with_those_that_they_wait_for_in_any_order(house: House) -> None:
    house.administration.apply([manifest("a", dependsOn=on("b")), manifest("b")], by="test")
    with house.database.read() as connection:
        assert dependencies.edges(connection) == {"a": {"b"}}
    house.administration.apply([manifest("a"), manifest("b", dependsOn=on("a"))], by="test")
    with house.database.read() as connection:
        assert dependencies.edges(connection) == {"b": {"a"}}


@pytest.mark.parametrize("attempt", range(5))
def test_of_two_that_would_close_a_circle_at_once_one_is_refused(house: House, attempt: int) -> None:
    house.administration.apply([manifest("a"), manifest("b"), manifest("c")], by="test")
    edits = [("a", "b"), ("b", "c"), ("c", "a")]
    answers = at_once(*[lambda edit=edit: house.define(edit[0], dependsOn=on(edit[1])) for edit in edits])  # type: ignore[misc]
    assert [type(answer) for answer in answers if answer is not None] == [InvalidInput]


def test_a_job_that_others_depend_on_is_not_deleted(house: House) -> None:
    house.define("BASE")
    house.define("TOP", dependsOn=on("BASE"))
    with pytest.raises(Conflict, match="'BASE' cannot be deleted, because 'TOP' depends on it"):
        house.administration.delete("BASE", by="test")
    house.administration.delete("TOP", by="test")
    house.administration.delete("BASE", by="test")
    assert house.reports.jobs() == []


def test_where_very_many_wait_they_are_looked_at_in_turn(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_LOOKED_AT", 3)
    monkeypatch.setattr(waiting, "_LONG_ENOUGH_S", -1.0)
    for number in range(10):
        house.define(f"BASE{number}")
        first = house.trigger(f"BASE{number}")
        house.define(f"TOP{number}")
        house.trigger(f"TOP{number}", after=(str(first.id),))
    house.dispatch.tick()
    house.work(Lane.REALTIME)
    resolved = [house.dispatch.waiting.resolve() for _ in range(5)]
    assert sum(resolved) == 10
    assert max(resolved) < 10


def test_one_whose_definition_cannot_be_read_keeps_no_other_from_starting(house: House) -> None:
    house.define("BASE", schedule=EVERY_5)
    for name in ("BROKEN", "FINE"):
        house.define(name, schedule=EVERY_5, dependsOn=on("BASE"), description=name)
    fire(house)
    with house.database.begin() as connection:
        broken = tables.job_versions.c.job_id == ids.job_id("BROKEN")
        connection.execute(
            tables.job_versions.update().where(broken).values(spec={"type": "astrology"}, digest="broken")
        )
    work(house)
    assert state(house, "FINE") is S.QUEUED
    broken_one = newest(house, "BROKEN").occurrence
    assert broken_one.state is S.FAILED
    assert "cannot be read" in (broken_one.reason or "")
    assert house.reports.occurrence(str(broken_one.id)).spec is None
