"""Tells the lanes' channel how many tasks a worker could start at once, so that a free slot takes the newest work."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from celery import bootsteps
from celery.concurrency.thread import ApplyResult
from celery.worker.consumer.tasks import Tasks
from celery.worker.state import reserved_requests

from stockjobs.transport.qos import LaneQoS
from stockjobs.transport.width import Width


class FreeSlots(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery publishes no types
    """A step of the worker's consumer, started with every connection to the broker."""

    requires = (Tasks,)

    def start(self, consumer: Any) -> None:
        """Connect the channel that consumes with the pool."""
        qos = consumer.task_consumer.channel.qos
        width = Width.of(consumer)
        if isinstance(qos, LaneQoS):
            qos.free_slots = lambda: _free(width)
        if consumer.hub is not None:
            _wake_when_done(consumer.pool, consumer.hub)


def _free(width: Width) -> int:
    width.settle()
    return int(width) - len(reserved_requests)


def _wake_when_done(pool: Any, hub: Any) -> None:
    """Wake the event loop when a thread of the pool has finished; child processes wake it by their result pipe.

    Without this a full pool of threads would leave its free slots unused until the loop's next timer, up to a second.
    """
    if getattr(pool, "wakes_event_loop", False):
        return
    apply = pool.on_apply

    def apply_and_wake(*args: Any, **options: Any) -> Any:
        result = apply(*args, **options)
        if isinstance(result, ApplyResult):
            result.f.add_done_callback(wake)
        return result

    def wake(_: Future[Any]) -> None:
        hub.call_soon(_nothing)

    pool.on_apply = apply_and_wake
    pool.wakes_event_loop = True


def _nothing() -> None:
    """What the loop is woken for: its own round, which asks the channel for more."""
