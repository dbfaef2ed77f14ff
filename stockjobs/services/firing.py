"""Firing: turning the jobs whose time has come into occurrences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from stockjobs.domain import ids
from stockjobs.domain.jobs import ScheduleSpec
from stockjobs.domain.periods import parse_duration
from stockjobs.domain.schedules import Schedule, due
from stockjobs.errors import StockjobsError, Unreachable
from stockjobs.services.instances import Asked, Instances
from stockjobs.store import definitions, occurrences
from stockjobs.store.database import Connection
from stockjobs.store.definitions import Job

JOBS_A_TICK = 500
SCHEDULER = "schedule"

RuleOf = Callable[[ScheduleSpec], Schedule]
"""Gives the rule of a schedule, with the sessions of the exchange that it may name."""


class Firing:
    """Fires jobs; any number may do so at once."""

    def __init__(self, instances: Instances, rule_of: RuleOf) -> None:
        self.rule_of = rule_of
        self._instances = instances
        self.unable: dict[str, str] = {}
        """Jobs that could not be fired, and why; for whoever runs the dispatcher to tell and to clear."""

    def fire_due(self, connection: Connection, now: datetime) -> int:
        """Fire the jobs whose time has come, in the caller's transaction. Returns how many occurrences were made."""
        return sum(self._fire_alone(connection, name, now) for name in definitions.due(connection, now, JOBS_A_TICK))

    def _fire_alone(self, connection: Connection, name: str, now: datetime) -> int:
        """Fire one job; one that cannot be fired keeps no other from it."""
        try:
            with connection.begin_nested():
                return self.fire(connection, definitions.get(connection, name), now)
        except Unreachable:
            raise
        except StockjobsError as error:
            self.unable[name] = str(error)
            return 0

    def fire(self, connection: Connection, job: Job, now: datetime) -> int:
        """Make the occurrences of one job that are due, and move its next due time on."""
        schedule = job.spec.schedule
        if job.next_due_at is None:
            return 0
        found = due(
            self.rule_of(schedule), job.next_due_at, now, misfire=schedule.misfire, grace=parse_duration(schedule.grace)
        )
        if not definitions.advance(connection, job, found.next_due):
            return 0
        return sum(self._occur(connection, job, time, now) for time in found.run)

    def _occur(self, connection: Connection, job: Job, time: datetime, now: datetime) -> bool:
        asked = Asked(ids.scheduled_key(time), time, SCHEDULER)
        if occurrences.get(connection, ids.occurrence_id(job.id, asked.key)) is not None:
            return False
        if self._instances.may_start(connection, job, now):
            return self._instances.create(connection, job, asked, now) is not None
        self._instances.skip(connection, job, asked, now, "the occurrence before it still runs")
        return False
