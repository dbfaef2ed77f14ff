"""The heartbeat of a worker: a timer of the loop that receives its messages, so that it stops where that loop hangs."""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.worker.consumer.tasks import Tasks

from stockjobs.celery import container
from stockjobs.telemetry.heartbeat import Heartbeat


class BeatingHeart(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery publishes no types
    """A step of the worker's consumer, started with every connection to the broker, since losing one clears all timers."""

    requires = (Tasks,)

    def start(self, consumer: Any) -> None:
        """Beat now, and then as often as the worker renews its leases."""
        heartbeat = Heartbeat(container.settings.heartbeat_path)
        heartbeat.beat()
        consumer.timer.call_repeatedly(container.settings.heartbeat, heartbeat.beat)
