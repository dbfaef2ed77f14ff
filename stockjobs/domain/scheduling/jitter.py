"""Jitter: how much later than due an occurrence is started, so that many jobs of one minute do not start together."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from stockjobs.domain.work.retries import fraction_of

LONGEST_JITTER = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


def delay(jitter: timedelta, occurrence: UUID) -> timedelta:
    """How long after its due time an occurrence is started: from nothing to less than the jitter, the same on every node."""
    return int(jitter / _MICROSECOND * fraction_of(occurrence)) * _MICROSECOND
