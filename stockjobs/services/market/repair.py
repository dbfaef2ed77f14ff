"""Repair: a backfill of just what is missing and may be had, priced before it starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from stockjobs.domain import ids
from stockjobs.domain.asking.mending import is_worth_asking, windows
from stockjobs.domain.asking.planning import TaskPlan, Window
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import JobSpec, JobType, Mode, WindowSpec
from stockjobs.domain.work.states import State
from stockjobs.services.market.coverage import CoverageService, LimitsOf
from stockjobs.services.market.covered import Hole, Wanted
from stockjobs.services.repetition import taken_twice_if_busy
from stockjobs.services.work.adhoc import manifest_for
from stockjobs.services.work.administration import Administration
from stockjobs.services.work.instances import Asked, Instances
from stockjobs.store.database import Connection, Database
from stockjobs.store.ledger import definitions, occurrences
from stockjobs.store.ledger.occurrences import Occurrence
from stockjobs.store.market import gaps

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Part:
    """Symbols of which the same window of one interval is asked for."""

    interval: Interval
    window: Window
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What a repair would ask of a provider, for which holes; `left` are bars that are missing and not worth asking for."""

    provider: str
    parts: tuple[Part, ...]
    holes: tuple[Hole, ...]
    left: int = 0

    @property
    def requests(self) -> int:
        """How many requests it takes if all goes well."""
        return sum(len(part.symbols) for part in self.parts)

    @property
    def bars(self) -> int:
        """How many missing bars it asks for."""
        return sum(hole.missing for hole in self.holes)


class Repair:
    """Plans repairs, and asks for them."""

    def __init__(
        self,
        database: Database,
        coverage: CoverageService,
        instances: Instances,
        administration: Administration,
        limits_of: LimitsOf,
    ) -> None:
        self._database = database
        self._coverage = coverage
        self._instances = instances
        self._administration = administration
        self._limits_of = limits_of

    def plan(self, wanted: Sequence[Wanted], *, force: bool = False) -> Plan:
        """What is missing of some series of one provider and worth a request; nothing is written. Raises NotFound."""
        with self._database.read() as connection:
            now = self._database.now(connection)
        holes = [hole for one in wanted for found in self._coverage.look(one) for hole in found.holes]
        worth = [hole for hole in holes if is_worth_asking(hole.cause, hole.ask_again_at, now, force=force)]
        provider = wanted[0].provider
        left = sum(hole.missing for hole in holes) - sum(hole.missing for hole in worth)
        return Plan(provider, tuple(self._parts(provider, worth, now)), tuple(worth), left)

    def _parts(self, provider: str, holes: Sequence[Hole], now: datetime) -> Iterator[Part]:
        series: dict[tuple[Interval, str], list[Window]] = {}
        for hole in holes:
            series.setdefault((hole.interval, hole.symbol), []).append(Window(hole.start, hole.end))
        alike: dict[tuple[Interval, Window], list[str]] = {}
        for (interval, symbol), missing in series.items():
            for window in windows(missing, self._limits_of(provider, interval), now):
                alike.setdefault((interval, window), []).append(symbol)
        for (interval, window), symbols in sorted(alike.items(), key=lambda item: item[0][1].start):
            yield Part(interval, window, tuple(sorted(symbols)))

    @taken_twice_if_busy
    def submit(self, plan: Plan, *, submitter: str) -> Occurrence:
        """Ask for a plan that is not empty, as one occurrence of an ad-hoc job."""
        manifest = manifest_for(_spec(plan))
        self._administration.apply([manifest], by=submitter)
        with self._database.begin() as connection:
            now = self._database.now(connection)
            job = definitions.get(connection, manifest.metadata.name, for_change=True)
            asked = Asked(ids.requested_key(str(uuid4())), now, submitter)
            draft = self._instances.draft(job, asked, now)
            plans = tuple(_tasks(plan, job.spec, draft.occurrence.id))
            occurrence = replace(draft.occurrence, state=State.QUEUED, finished_at=None)
            self._instances.write(connection, [replace(draft, occurrence=occurrence, plans=plans)], now)
            _insist(connection, plan, now)
            return occurrences.require(connection, occurrence.id)


def _spec(plan: Plan) -> JobSpec:
    first = min(part.window.start for part in plan.parts)
    last = max(part.window.end for part in plan.parts)
    return JobSpec(
        type=JobType.MARKETDATA,
        mode=Mode.BACKFILL,
        provider=plan.provider,
        symbols=tuple(sorted({symbol for part in plan.parts for symbol in part.symbols})),
        intervals=tuple(one for one in Interval if any(part.interval is one for part in plan.parts)),
        window=WindowSpec(start=first.isoformat(), end=last.isoformat()),
    )


def _tasks(plan: Plan, spec: JobSpec, occurrence: UUID) -> Iterator[TaskPlan]:
    for part in plan.parts:
        start, end = part.window.start, part.window.end
        for place in range(0, len(part.symbols), spec.batch_size):
            symbols = part.symbols[place : place + spec.batch_size]
            key = f"{part.interval}/{start:%Y%m%dT%H%M}-{end:%Y%m%dT%H%M}/{place // spec.batch_size:04d}"
            yield TaskPlan(
                id=ids.task_id(occurrence, key),
                key=key,
                symbols=symbols,
                interval=part.interval,
                start=start,
                end=end,
                about=end - _TICK,
                priority=spec.priority,
            )


def _insist(connection: Connection, plan: Plan, now: datetime) -> None:
    """Let the source be asked for gaps that would still rest, or for ever."""
    for hole in plan.holes:
        if hole.gap is not None and (hole.ask_again_at is None or hole.ask_again_at > now):
            gaps.insist(connection, hole.gap.instrument_id, hole.interval, [hole.day], now)
