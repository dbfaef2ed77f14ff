"""Retention: how long the history of what has ended is kept. Market data and findings are not history and stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from stockjobs.domain.periods import Period
from stockjobs.domain.work.states import State

SUCCEEDED = (State.COMPLETED, State.CANCELLED, State.SKIPPED)
FAILED = (State.FAILED, State.TIMEOUT)


@dataclass(frozen=True)
class Expired:
    """Ended occurrences that are kept no longer: in one state, and older than this."""

    state: State
    finished_before: datetime | None = None
    created_before: datetime | None = None
    job: UUID | None = None


@dataclass(frozen=True)
class Retention:
    """How long ended occurrences are kept (None: for ever), and how many of each job and state at the most (None: any number)."""

    succeeded: Period | None
    failed: Period | None
    at_most: int | None = None

    def expired(self, now: datetime, *, states: Sequence[State] = (), job: UUID | None = None) -> list[Expired]:
        """What is too old at a moment; of some states or of all, of one job or of all."""
        kept = dict.fromkeys(SUCCEEDED, self.succeeded) | dict.fromkeys(FAILED, self.failed)
        return [
            Expired(state, finished_before=period.times(-1, now), job=job)
            for state, period in kept.items()
            if period is not None and (not states or state in states)
        ]
