"""Two real beats on one ledger, killed again and again: every due time has exactly one occurrence. And edits act at once."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import UUID

import pytest
from sqlalchemy import func, select

from stockjobs.domain.events import EventName
from stockjobs.domain.scheduling.schedules import INSTANT, between
from stockjobs.settings import Settings
from stockjobs.store import tables
from stockjobs.store.ledger.definitions import Job
from tests.fixtures.fleet import Fleet, Member
from tests.fixtures.house import manifest
from tests.fixtures.redis import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.timeout(240)]

KILLS = 12
BETWEEN_KILLS_S = 1.2
EDITS = 7


@pytest.fixture
def beats(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Fleet]:
    # Nobody works off what these beats offer, and of Yahoo itself they would offer no more than its budget feeds.
    found = Fleet(Settings(database_url=database_url, redis_url=redis_url, provider_url="http://127.0.0.1:9"), tmp_path)
    yield found
    found.stop()


def define(fleet: Fleet) -> list[Job]:
    """120 jobs that are due every two, three or seven seconds, and none of whose due times may be left out."""
    common = {"misfire": "all", "concurrency": "allow"}
    jobs = [
        manifest(
            f"J{number:02}-{every}",
            symbols=["AAPL"],
            schedule={"interval": f"R/2026-01-01T00:00:00Z/{every}", **common},
        )
        for number in range(40)
        for every in ("PT2S", "PT3S", "PT7S")
    ]
    return [applied.after for applied in fleet.container.administration.apply(jobs, by="test")]


def due_times(fleet: Fleet, until: datetime) -> dict[UUID, list[datetime]]:
    """What the ledger has: for each job when its occurrences were due, with as many entries as there are tasks of them."""
    found: dict[UUID, list[datetime]] = defaultdict(list)
    one, task = tables.occurrences, tables.tasks
    query = select(one.c.job_id, one.c.scheduled_for).join(task, task.c.occurrence_id == one.c.id)
    with fleet.container.ready_database.read() as connection:
        for job, at in connection.execute(query.where(one.c.scheduled_for <= until).order_by(one.c.scheduled_for)):
            found[job].append(at)
    return found


def made(fleet: Fleet) -> int:
    """How many occurrences there are."""
    with fleet.container.ready_database.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.occurrences)).scalar_one()


def storm(fleet: Fleet, members: list[Member], seed: int) -> None:
    """Kill one of the beats every second or so, as soon as either has fired since the last kill."""
    chosen = random.Random(seed)
    for _ in range(KILLS):
        before, earliest = made(fleet), time.monotonic() + BETWEEN_KILLS_S
        eventually(lambda n=before, at=earliest: made(fleet) > n and time.monotonic() > at, within=60, tell=fleet.logs)  # type: ignore[misc]
        place = chosen.randrange(len(members))
        members[place].kill()
        members[place] = fleet.beat()


def test_two_beats_that_are_killed_again_and_again_miss_and_double_no_due_time(beats: Fleet) -> None:
    jobs = define(beats)
    storm(beats, [beats.beat(), beats.beat()], seed=20260304)
    until = datetime.now(UTC)
    expected = {
        job.id: between(job.spec.schedule.rule(), job.next_due_at, until + INSTANT, limit=10_000)
        for job in jobs
        if job.next_due_at is not None
    }
    eventually(lambda: due_times(beats, until) == expected, within=60, tell=beats.logs)
    assert len(expected) == 120
    kills = sum(member.process.poll() is not None for member in beats.members)
    assert kills == KILLS
    print(f"{kills} kills, {made(beats):,} occurrences of {len(jobs)} jobs, each due time once")
    assert beats.container.feed.last(1, beats.container.feed.filter(names=[EventName.MISSED])) == []


def test_an_edit_reaches_the_lanes_within_two_seconds_without_a_restart(beats: Fleet) -> None:
    beats.define("EDITED", symbols=["AAPL"], schedule={"concurrency": "allow"})
    for _ in range(2):
        beats.beat()
    beats.define("SIGN", symbols=["AAPL"], schedule={"interval": "R/2026-01-01T00:00:00Z/PT1S", "concurrency": "allow"})
    eventually(lambda: made(beats) > 1, within=60, tell=beats.logs)
    beats.container.administration.delete("SIGN", by="test")
    took = [_edit(beats, number) for number in range(EDITS)]
    print(f"from the edit to its first message: median {median(took):.2f} s, longest {max(took):.2f} s")
    assert median(took) < 2.0


def _edit(fleet: Fleet, number: int) -> float:
    """Make the job due a tenth of a second from now. The seconds from the edit to the message, by the database's clock."""
    at = datetime.now(UTC) + timedelta(milliseconds=100)
    once = {"once": at.isoformat().replace("+00:00", "Z")}
    edited = fleet.container.administration.reschedule("EDITED", once, by="test").after
    query = (
        select(tables.tasks.c.offered_at, tables.occurrences.c.version)
        .join(tables.occurrences, tables.occurrences.c.id == tables.tasks.c.occurrence_id)
        .where(tables.occurrences.c.job_id == edited.id, tables.occurrences.c.version == edited.version)
    )

    def sent() -> datetime | None:
        with fleet.container.ready_database.read() as connection:
            return connection.execute(query).scalar()

    eventually(lambda: sent() is not None, within=30, tell=fleet.logs)
    offered_at = sent()
    assert offered_at is not None
    assert edited.version == number + 2
    return (offered_at - edited.updated_at).total_seconds()
