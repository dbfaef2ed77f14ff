"""The task that answers a knock: ids in, the collect service, the outcome out as Celery understands it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import Task
from celery.exceptions import Ignore, Retry

from stockjobs.celery import app
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import Unavailable
from stockjobs.services.collecting.conclusion import Outcome, Verdict
from stockjobs.telemetry import logs
from stockjobs.transport.messages import COLLECT_TASK
from workers.process import container
from workers.request import KnockRequest

log = logs.get("workers")


class CollectionFailed(Exception):
    """A task of collection has failed for good; Flower shows it as a failure with this text."""


@app.task(name=COLLECT_TASK, bind=True, Request=KnockRequest, throws=(CollectionFailed,))  # type: ignore[untyped-decorator]  # Celery publishes no types
def collect(self: Task, *, task: str, attempt: int, lane: str) -> dict[str, Any]:
    """Make one attempt. A retry is raised as a retry and a failure as a failure, so that Flower tells the truth."""
    try:
        outcome = container().collect.run(UUID(task), attempt, Lane(lane), worker=self.request.hostname)
    except Unavailable as error:
        # Nothing was claimed, so the ledger sends the message again.
        log.warning("The task cannot be claimed now.", action="collect", task=task, attempt=attempt, error=str(error))
        raise Retry(message=str(error)) from error
    _log(outcome, task, attempt, lane)
    return _celery_result(outcome)


def _celery_result(outcome: Outcome) -> dict[str, Any]:
    if outcome.verdict in (Verdict.RETRIED, Verdict.DEFERRED):
        # The ledger makes the next attempt, so nothing is sent: the exception alone shows a retry.
        raise Retry(message=outcome.error, when=outcome.wait.total_seconds() if outcome.wait else None)
    if outcome.verdict in (Verdict.FAILED, Verdict.TIMEOUT):
        raise CollectionFailed(outcome.error)
    if outcome.verdict is Verdict.LOST:
        raise CollectionFailed("the task was given to another attempt meanwhile; this one wrote nothing")
    if outcome.verdict in (Verdict.CANCELLED, Verdict.NOTHING):
        # A doubled message has the id of the attempt that does the work: it must not speak for it.
        raise Ignore
    landed = outcome.landed
    return {
        "verdict": outcome.verdict.value,
        "received": landed.received,
        "written": landed.written,
        "rejected": landed.rejected,
    }


def _log(outcome: Outcome, task: str, attempt: int, lane: str) -> None:
    ids = {"action": "collect", "task": task, "attempt": attempt, "lane": lane, "verdict": outcome.verdict.value}
    if outcome.verdict is Verdict.NOTHING:
        log.debug("There was nothing to claim.", **ids)
    elif outcome.error:
        wait = outcome.wait.total_seconds() if outcome.wait else None
        log.warning(
            "An attempt did not succeed.", error=outcome.error, next_attempt_in_s=wait, exc_info=outcome.cause, **ids
        )
    else:
        log.info(
            "An attempt has ended.", rows_written=outcome.landed.written, rows_received=outcome.landed.received, **ids
        )
