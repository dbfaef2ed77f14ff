"""A knock: what a message in a lane says. It names a task and an attempt, and is no more than a hint to look."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from stockjobs.domain.work.lanes import Lane


@dataclass(frozen=True)
class Knock:
    """One message: the attempt `number` of a task is offered in a lane.

    `attempt_id` is the Celery task id. `rank` orders the lane (see `stockjobs.domain.work.lanes.rank`). `job` and `subject`
    are what a person reads in Flower: the job's name, and the interval and symbols in short.
    """

    task_id: UUID
    attempt_id: UUID
    number: int
    lane: Lane
    rank: str
    job: str
    subject: str
