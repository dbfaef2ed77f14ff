"""The scheduler that `celery -A stockjobs beat` runs: every tick is a tick of the dispatch service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any

from celery.beat import Scheduler

from beat.duties import Duties, Duty
from stockjobs.celery import check_servers, container
from stockjobs.domain.work.pauses import Scope
from stockjobs.errors import Busy, Unavailable, Unreachable
from stockjobs.store.ledger.pauses import Pause
from stockjobs.telemetry import logs
from stockjobs.telemetry.heartbeat import Heartbeat

log = logs.get("beat")
_TELL_EVERY_S = 60.0


class LedgerScheduler(Scheduler):  # type: ignore[misc]  # Celery publishes no types
    """Keeps no schedule of its own: the ledger has them, and any number of beats may look at it."""

    _tell_again_at = 0.0
    _paused: Mapping[Scope, Pause] = MappingProxyType({})

    def setup_schedule(self) -> None:
        """Look at the servers; the schedule itself is the ledger's."""
        check_servers("beat")
        with suppress(Unavailable):
            revived = container.dispatch.revive()
            if revived:
                log.info("Calendars go on: jobs are due again.", action="revive", jobs=revived)
        self._duties.start()

    def tick(self, *_: Any, **__: Any) -> float:
        """Do what is due. Returns the seconds until the next tick."""
        wait = self._tick()
        # Also while a server is away: waiting for it is all that can be done, and a restart would not help.
        self._heartbeat.beat()
        return wait

    def _tell_unable(self) -> None:
        now = time.monotonic()
        unable = container.firing.unable
        if unable and now >= self._tell_again_at:
            for job, found in unable.items():
                log.error("A job is due and cannot be made to run.", action="fire", job=job, error=found.reason)
            unable.clear()
            self._tell_again_at = now + _TELL_EVERY_S

    def close(self) -> None:
        """Give the connections back."""
        self._duties.stop()
        container.close()

    @property
    def info(self) -> str:
        """What beat's banner says of its schedule."""
        return "    . schedule -> the ledger"

    @cached_property
    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(container.settings.heartbeat_path)

    @cached_property
    def _duties(self) -> Duties:
        return Duties(
            (
                Duty("calendars", _keep_calendars),
                Duty("freshness", _check_freshness),
                Duty("perishing", _check_perishing),
                Duty("partitions", _keep_partitions),
            )
        )

    def _tick(self) -> float:
        try:
            tick = container.dispatch.tick()
            self._tell_pauses(has_paused=tick.has_paused)
            wait = min(tick.wait, self._tidy(is_busy=bool(tick.fired or tick.offered)))
        except Busy as error:
            log.warning("Somebody else was in the way; beat tries again.", action="tick", error=str(error))
            return container.settings.beat_interval
        except Unreachable as error:
            log.warning("A server cannot be reached; beat tries again.", action="tick", error=str(error))
            return container.settings.beat_interval
        self._tell_unable()
        if tick.missed:
            log.warning("Due times were missed: `stockctl describe job` has them.", action="fire", count=tick.missed)
        if tick.fired or tick.lost or tick.resent:
            log.info(
                "Due work was found.",
                action="tick",
                occurrences=tick.fired,
                offered=tick.offered,
                lost=tick.lost,
                resent=tick.resent,
            )
        return wait.total_seconds()

    def _tell_pauses(self, *, has_paused: bool) -> None:
        """Tell of each pause once, and once of its end."""
        found = {pause.scope: pause for pause in container.holding.pauses()} if has_paused else {}
        for scope, pause in found.items():
            if scope not in self._paused:
                told = {"scope": scope.shown, "by": pause.by, "since": pause.at.isoformat(), "reason": pause.reason}
                log.warning("Work is paused: it waits in the ledger until it is resumed.", action="pause", **told)
        for scope in self._paused.keys() - found.keys():
            log.info("Work goes on.", action="resume", scope=scope.shown)
        self._paused = found

    def _tidy(self, *, is_busy: bool) -> timedelta:
        """Remove a little of the old history. Returns how long until there is more of it to remove."""
        step = container.maintenance.step(is_busy=is_busy)
        if step.swept is not None and step.swept.occurrences:
            log.info(
                "Old history was removed.",
                action="prune",
                occurrences=step.swept.occurrences,
                tasks=step.swept.tasks,
                events=step.swept.events,
            )
        return step.wait


def _check_freshness() -> tuple[str, dict[str, object]] | None:
    """Tell of jobs that have become stale, or fresh again."""
    turned = container.freshness.check()
    for one in turned:
        if one.is_stale:
            log.warning(
                "A job is stale: its newest bars are older than its target.",
                action="freshness",
                job=one.job,
                symbol=one.worst.symbol,
                interval=one.worst.interval.value,
                behind_s=int(one.behind.total_seconds()),
            )
    fresh = [one.job for one in turned if not one.is_stale]
    return ("Jobs are fresh again.", {"jobs": fresh}) if fresh else None


def _check_perishing() -> None:
    """Tell of bars that their source will soon no longer keep."""
    for one in container.perishing.check():
        log.warning(
            "Bars will soon be beyond what their source keeps.",
            action="perishing",
            job=one.job.name,
            symbol=one.series.symbol,
            interval=one.series.interval.value,
            bars=one.loss.bars,
            lost_from=one.loss.begins_at.isoformat(),
        )


def _keep_calendars() -> tuple[str, dict[str, object]] | None:
    """Write the sessions of exchanges that lack them."""
    written = container.calendars.refresh()
    for exchange, reason in container.calendars.unable.items():
        log.error(
            "The sessions of an exchange cannot be computed.", action="calendars", exchange=exchange, error=reason
        )
    container.calendars.unable.clear()
    return ("The sessions of exchanges were written.", {"exchanges": written}) if written else None


def _keep_partitions() -> tuple[str, dict[str, object]] | None:
    """Make the partitions of the next year before it begins, where bars lie in partitions."""
    made = container.layouts.extend()
    return ("The table of bars was given partitions.", {"partitions": list(made)}) if made else None
