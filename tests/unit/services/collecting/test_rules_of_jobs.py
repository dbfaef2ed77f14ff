"""Jobs of one series whose rules differ: what one holds and another lets pass goes once, and is left alone then."""

from __future__ import annotations

from sqlalchemy import select

from stockjobs.domain.events import EventName
from stockjobs.store import tables
from stockjobs.store.database import Database
from tests.unit.services.collecting.test_actions import bars
from tests.unit.services.collecting.test_second_look import Job, times


def test_what_another_job_has_landed_again_is_not_opened_and_closed_each_night(database: Database) -> None:
    strict, lax = Job(database), Job(database, job="LAX", validation={"spike": "off", "jump": "off"})
    came = times(bars(range(20, 0, -1)), 5, 10)
    states = []
    for _ in range(4):
        for job in (strict, lax):
            job.land(came)
            states.append(*(state for _, state in job.held()))
    assert states == ["open", "mended", "open", *["mended"] * 5]
    assert len(lax.closes()) == 20
    assert lax.versions() == 1
    with database.read() as connection:
        told = connection.execute(select(tables.events.c.name)).scalars().all()
    assert told.count(EventName.QUARANTINED.value) == 1


def test_a_bar_that_comes_otherwise_than_another_job_has_landed_it_is_set_aside_as_ever(database: Database) -> None:
    strict, lax = Job(database), Job(database, job="LAX", validation={"spike": "off", "jump": "off"})
    good = bars(range(20, 0, -1))
    for _ in range(2):
        strict.land(times(good, 5, 10))
        lax.land(times(good, 5, 10))
    strict.land(times(good, 6, 10))
    assert sorted(state for _, state in strict.held()) == ["mended", "open"]
    assert max(strict.closes()) > 400
