"""Perishing: an alarm for bars that a source will soon no longer keep, told once a series, mended when they are collected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from stockjobs.domain.events import Event, EventName
from stockjobs.domain.findings import FindingKind
from stockjobs.domain.intervals import Interval
from stockjobs.domain.jobs import JobType, Mode
from stockjobs.domain.perishing import Loss, alarm_before, loss
from stockjobs.errors import InvalidInput
from stockjobs.services.calendars import traded
from stockjobs.services.coverage import LimitsOf
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.store import definitions, events, findings, perishing
from stockjobs.store.database import Connection, Database
from stockjobs.store.definitions import Job
from stockjobs.store.findings import Finding
from stockjobs.store.perishing import Lagging


@dataclass(frozen=True)
class Perishing:
    """A series of a job that is about to lose bars, how many and when."""

    job: Job
    series: Lagging
    reach: timedelta
    loss: Loss


class PerishingService:
    """Looks for series that have fallen behind what their source keeps."""

    def __init__(self, database: Database, limits_of: LimitsOf) -> None:
        self._database = database
        self._limits_of = limits_of

    @taken_twice_if_busy
    def check(self) -> list[Perishing]:
        """Write down and tell of series that are about to lose bars; returns those that are new.

        Only series of jobs that are enabled count: what nobody collects any more is not missed.
        """
        with self._database.begin() as connection:
            now = self._database.now(connection)
            found = {
                (one.series.instrument_id, one.series.interval.seconds): one for one in self._found(connection, now)
            }
            told = perishing.told(connection)
            perishing.mend(connection, [told[series] for series in told.keys() - found.keys()], now)
            new = [one for series, one in found.items() if series not in told]
            # Another beat may write the same at this moment; only who has written it tells of it.
            new = [one for one in new if findings.land(connection, [_finding(one)], now)]
            events.append(connection, *(_event(one, now) for one in new))
        return new

    def _found(self, connection: Connection, now: datetime) -> Iterator[Perishing]:
        behind = [
            pair for provider in perishing.providers(connection) for pair in self._behind(connection, provider, now)
        ]
        if not behind:
            return
        jobs = _collectors(connection)
        for series, reach in behind:
            job = jobs.get((series.provider, series.symbol, series.interval))
            spans = traded(connection, series.exchange, series.zone, now - reach, now) if job else None
            lost = loss(series.newest_at, series.interval, spans, now, reach) if spans is not None else None
            if job is not None and lost is not None:
                yield Perishing(job, series, reach, lost)

    def _behind(self, connection: Connection, provider: str, now: datetime) -> Iterator[tuple[Lagging, timedelta]]:
        for interval in Interval:
            try:
                reach = self._limits_of(provider, interval).reach_back
            except InvalidInput:
                # Its package is no longer installed.
                return
            if reach is not None:
                before = alarm_before(now, reach)
                yield from ((one, reach) for one in perishing.lagging(connection, provider, interval, before))


def _collectors(connection: Connection) -> dict[tuple[str, str, Interval], Job]:
    """The enabled job that collects each series, paused ones too: their bars perish all the same."""
    return {
        (job.spec.provider, symbol, interval): job
        for job in definitions.every(connection)
        if job.enabled and job.spec.mode is Mode.INCREMENTAL and job.spec.type is JobType.MARKETDATA
        for symbol in job.spec.symbols
        for interval in job.spec.intervals
    }


def _finding(one: Perishing) -> Finding:
    series = one.series
    return Finding(
        kind=FindingKind.PERISHING,
        symbol=series.symbol,
        reason=f"{series.interval} bars since {series.newest_at:%Y-%m-%d %H:%M}Z are not stored, and the source keeps "
        f"{one.reach.days} days of them",
        instrument_id=series.instrument_id,
        interval=series.interval,
        at=series.newest_at,
        job_id=one.job.id,
        evidence={"bars": one.loss.bars, "lost_from": one.loss.begins_at.isoformat()},
    )


def _event(one: Perishing, now: datetime) -> Event:
    about = {
        "job": one.job.name,
        "symbol": one.series.symbol,
        "interval": one.series.interval.value,
        "bars": one.loss.bars,
        "lost_from": one.loss.begins_at.isoformat(),
        "lost_until": one.loss.ends_at.isoformat(),
    }
    return Event(EventName.PERISHING, now, one.job.id, data=about)
