"""What the worker's main process does when a child has died, or was killed, in the middle of an attempt."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

from billiard.exceptions import WorkerLostError
from celery.worker.request import Request

from stockjobs.errors import StockjobsError
from stockjobs.telemetry import logs
from workers.forks import between_forks
from workers.process import container

log = logs.get("workers")


class KnockRequest(Request):  # type: ignore[misc]  # Celery publishes no types
    """Celery's own request, which also tells the ledger: nobody needs to wait until a dead attempt's lease has ended."""

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Celery has killed the child at the hard time limit."""
        super().on_timeout(soft, timeout)
        if not soft:
            self._give_back()

    def on_failure(self, exc_info: Any, *args: Any, **options: Any) -> None:
        """The attempt raised, or its child has died."""
        super().on_failure(exc_info, *args, **options)
        error = exc_info.exception
        if isinstance(getattr(error, "exc", error), WorkerLostError):
            self._give_back()

    def _give_back(self) -> None:
        # The event loop must not wait for the database.
        threading.Thread(target=_give_back, args=(self.kwargs["task"], self.kwargs["attempt"]), daemon=True).start()


def _give_back(task: str, attempt: int) -> None:
    try:
        with between_forks():
            was_running = container().collect.give_back(UUID(task), attempt)
    except StockjobsError as error:
        # Its lease ends by itself.
        log.warning("A dead attempt could not be given back.", action="give_back", task=task, error=str(error))
        return
    if was_running:
        log.warning("A process died during an attempt.", action="give_back", task=task, attempt=attempt)
