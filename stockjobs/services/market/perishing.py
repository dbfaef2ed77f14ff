"""Perishing: an alarm for bars that a source will soon no longer keep, told once a series, mended when they are collected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from stockjobs.domain.counting import counted
from stockjobs.domain.events import Event, EventName
from stockjobs.domain.market.coverage import slots
from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.perishing import Loss, alarm_before, loss
from stockjobs.domain.market.sessions import Seconds
from stockjobs.domain.work.jobs import JobType, Mode
from stockjobs.errors import InvalidInput
from stockjobs.services.collecting.standing import names_of
from stockjobs.services.market.calendars import traded
from stockjobs.services.market.coverage import LimitsOf
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, events
from stockjobs.store.ledger.definitions import Job
from stockjobs.store.market import findings, perishing
from stockjobs.store.market.findings import Finding
from stockjobs.store.market.perishing import Lagging

AT_ONCE = 500
"""So many findings are written in one transaction."""

One = TypeVar("One")


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

    def check(self) -> list[Perishing]:
        """Write down and tell of series that are about to lose bars; returns those that are new.

        Only series of jobs that are enabled count: what nobody collects any more is not missed. What somebody has rejected is
        not told again before the series has newer bars. Looking takes seconds with thousands of series, and keeps nobody from
        writing meanwhile.
        """
        with self._database.read() as connection:
            now = self._database.now(connection)
            found = {_series(one): one for one in self._found(connection, now)}
            told = perishing.told(connection)
        done = [series for key, series in told.open.items() if key not in found]
        new = [one for key, one in found.items() if key not in told.open and _finding(one).id not in told.decided]
        for part in _parts(done):
            self._mend(part, now)
        return [one for part in _parts(new) for one in self._tell(part, now)]

    @taken_twice_if_busy
    def _mend(self, found: Sequence[UUID], now: datetime) -> None:
        with self._database.begin() as connection:
            perishing.mend(connection, found, now)

    @taken_twice_if_busy
    def _tell(self, found: Sequence[Perishing], now: datetime) -> list[Perishing]:
        each = {(finding := _finding(one)).id: (finding, one) for one in found}
        with self._database.begin() as connection:
            # Another beat may write the same at this moment; only who has written it tells of it.
            again = findings.open_again(connection, list(each))
            new = findings.land(connection, [finding for finding, _ in each.values()], now) | again
            told = [one for key, (_, one) in each.items() if key in new]
            events.append(connection, *(_event(one, now) for one in told))
        return told

    def _found(self, connection: Connection, now: datetime) -> Iterator[Perishing]:
        behind = [
            pair for provider in perishing.providers(connection) for pair in self._behind(connection, provider, now)
        ]
        if not behind:
            return
        jobs = _collectors(connection)
        market = _Markets(connection, now)
        for series, reach in behind:
            job = jobs.get((series.provider, series.symbol, series.interval))
            expected = market.expected(series, reach) if job else None
            lost = loss(series.newest_at, expected, now, reach) if expected is not None else None
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


class _Markets:
    """When bars open at the markets of many series; worked out once for all that trade alike."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._expected: dict[tuple[str, str, Interval, timedelta], Seconds | None] = {}

    def expected(self, series: Lagging, reach: timedelta) -> Seconds | None:
        """Epoch seconds, oldest first, back to what the source keeps; None where nothing is known of the market."""
        market = (series.exchange, series.zone, series.interval, reach)
        if market not in self._expected:
            spans = traded(self._connection, series.exchange, series.zone, self._now - reach, self._now)
            self._expected[market] = None if spans is None else slots(spans, series.interval).at
        return self._expected[market]


def _parts(found: Sequence[One]) -> Iterator[Sequence[One]]:
    """So many at a time as are written in a moment."""
    return (found[start : start + AT_ONCE] for start in range(0, len(found), AT_ONCE))


def _series(one: Perishing) -> tuple[int, int]:
    return one.series.instrument_id, one.series.interval.seconds


def _collectors(connection: Connection) -> dict[tuple[str, str, Interval], Job]:
    """The enabled job that collects each series, paused ones too: their bars perish all the same."""
    return {
        (job.spec.provider, name, interval): job
        for job in definitions.every(connection)
        if job.enabled and job.spec.mode is Mode.INCREMENTAL and job.spec.type is JobType.MARKETDATA
        for name in names_of(connection, job.spec.provider, job.spec.symbols).values()
        for interval in job.spec.intervals
    }


def _finding(one: Perishing) -> Finding:
    series = one.series
    return Finding(
        kind=FindingKind.PERISHING,
        symbol=series.symbol,
        reason=f"{series.interval} bars since {series.newest_at:%Y-%m-%d %H:%M}Z are not stored, and the source keeps "
        f"{counted(one.reach.days, 'day')} of them",
        instrument_id=series.instrument_id,
        interval=series.interval,
        at=series.newest_at,
        job_id=one.job.id,
        # Nothing that is another each day: it tells one finding from the next.
        evidence={"lost_after": (series.newest_at + one.reach).isoformat()},
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
