"""The scheduler that `celery -A stockjobs beat` runs: every tick is a tick of the dispatch service."""

from __future__ import annotations

from typing import Any

from celery.beat import Scheduler

from stockjobs.celery import container
from stockjobs.errors import Unreachable
from stockjobs.telemetry import logs

log = logs.get("beat")


class LedgerScheduler(Scheduler):  # type: ignore[misc]  # Celery publishes no types
    """Keeps no schedule of its own: the ledger has them, and any number of beats may look at it."""

    def setup_schedule(self) -> None:
        """Nothing to set up: see `tick`."""

    def tick(self, *_: Any, **__: Any) -> float:
        """Do what is due. Returns the seconds until the next tick."""
        try:
            tick = container.dispatch.tick()
        except Unreachable as error:
            log.warning("A server cannot be reached; beat tries again.", action="tick", error=str(error))
            return container.settings.beat_interval
        if tick.fired or tick.lost or tick.resent:
            log.info(
                "Due work was found.",
                action="tick",
                occurrences=tick.fired,
                offered=tick.offered,
                lost=tick.lost,
                resent=tick.resent,
            )
        return tick.wait.total_seconds()

    def close(self) -> None:
        """Give the connections back."""
        container.close()

    @property
    def info(self) -> str:
        """What beat's banner says of its schedule."""
        return "    . schedule -> the ledger"
