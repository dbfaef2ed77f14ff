"""Planning: which tasks an occurrence consists of, and which requests a task makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from stockjobs.domain import ids
from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.asking.novelty import Newest
from stockjobs.domain.market.bars import BarsRequest
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.periods import Period, parse_instant
from stockjobs.domain.work.jobs import JobSpec, JobType, Mode, WindowSpec
from stockjobs.domain.work.lanes import Priority, midnight

BACKFILL_PERIOD = Period(months=120, fixed=timedelta(0))
"""How far a backfill goes back when nobody says: ten years."""

FIRST_DAILY = timedelta(days=366)
FIRST_INTRADAY = timedelta(days=5)
"""How far the first incremental run goes back when nobody says."""

OVERLAP_BARS = 5
"""So many stored bars before the newest are asked for again: the unfinished one is corrected, and a restatement shows.

They are counted in stored bars, not in hours, so that no weekend and no holiday uses them up.
"""

PERISHES_WITHIN = timedelta(days=2)
"""A window that the provider begins to forget so soon goes before others of its job: what is lost is lost for good."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class TaskPlan:
    """A task to be: a batch of symbols at one interval, and a window where the job asks for one (start ≤ bar < end)."""

    id: UUID
    key: str
    symbols: tuple[str, ...]
    interval: Interval | None
    start: datetime | None
    end: datetime | None
    about: datetime
    priority: Priority


@dataclass(frozen=True)
class Window:
    """A span of time: start ≤ instant < end."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Skip:
    """That nothing is asked for, and why."""

    reason: str


NOTHING_MISSING = "nothing is missing"
OUT_OF_REACH = "the provider no longer keeps any of it"


MissingOf = Callable[[Interval, Window], Mapping[str, Window]]
"""For a span that one request may cover: the symbols of which something is missing there, and from when until when."""


def tasks_of(
    spec: JobSpec,
    occurrence: UUID,
    scheduled_for: datetime,
    *,
    window: WindowSpec,
    limits: Callable[[Interval], Limits],
    missing: MissingOf | None = None,
) -> list[TaskPlan]:
    """The tasks of an occurrence: every interval, every window that the provider's limits allow, every batch of symbols.

    With `missing` a backfill has tasks for that alone; without it, for the whole window of every symbol.
    """
    return [
        TaskPlan(
            id=ids.task_id(occurrence, key),
            key=key,
            symbols=symbols,
            interval=interval,
            start=span.start if span else None,
            end=span.end if span else None,
            about=span.end - _TICK if span else scheduled_for,
            priority=_priority(spec, span, limits(interval), scheduled_for) if interval and span else spec.priority,
        )
        for interval in _intervals(spec)
        for whole in _spans(spec, interval, scheduled_for, window, limits)
        for key, symbols, span in _batches(spec, interval, whole, missing)
    ]


def _priority(spec: JobSpec, span: Window, limits: Limits, now: datetime) -> Priority:
    """The job's priority, or the next higher one for a window that the provider is about to forget."""
    if limits.reach_back is None or span.start >= now - limits.reach_back + PERISHES_WITHIN:
        return spec.priority
    return min((one for one in Priority if one > spec.priority), default=spec.priority)


def _intervals(spec: JobSpec) -> Sequence[Interval | None]:
    return spec.intervals if spec.type is JobType.MARKETDATA else (None,)


def _spans(
    spec: JobSpec,
    interval: Interval | None,
    scheduled_for: datetime,
    window: WindowSpec,
    limits: Callable[[Interval], Limits],
) -> Iterator[Window | None]:
    if interval is None or spec.mode is Mode.INCREMENTAL:
        yield None
        return
    asked = asked_window(window, scheduled_for)
    yield from cut(asked, limits(interval), scheduled_for)


def asked_window(window: WindowSpec, scheduled_for: datetime) -> Window:
    """The span of time that a backfill asks for; up to midnight (UTC) and for ten years if nobody says."""
    end = parse_instant(window.end) if window.end else midnight(scheduled_for)
    if window.start:
        return Window(parse_instant(window.start), end)
    return Window((window.length() or BACKFILL_PERIOD).times(-1, end), end)


def out_of_reach(
    spec: JobSpec, scheduled_for: datetime, *, window: WindowSpec, limits: Callable[[Interval], Limits]
) -> dict[Interval, datetime]:
    """The intervals of a backfill whose window begins before what the provider still keeps, and where that begins."""
    if spec.type is not JobType.MARKETDATA or spec.mode is Mode.INCREMENTAL:
        return {}
    start = asked_window(window, scheduled_for).start
    kept = {one: scheduled_for - reach for one in spec.intervals if (reach := limits(one).reach_back) is not None}
    return {interval: first for interval, first in kept.items() if start < first}


def cut(window: Window, limits: Limits, now: datetime) -> Iterator[Window]:
    """Cut a window into spans that one request may ask for; what the provider no longer serves is left out."""
    start = window.start if limits.reach_back is None else max(window.start, now - limits.reach_back)
    while start < window.end:
        end = window.end if limits.max_span is None else min(start + limits.max_span, window.end)
        yield Window(start, end)
        start = end


def _batches(
    spec: JobSpec, interval: Interval | None, whole: Window | None, missing: MissingOf | None
) -> Iterator[tuple[str, tuple[str, ...], Window | None]]:
    kind = interval.value if interval else spec.type.value
    for number, (symbols, span) in enumerate(_chosen(spec, interval, whole, missing)):
        place = f"/{span.start:%Y%m%dT%H%M}-{span.end:%Y%m%dT%H%M}" if span else ""
        yield f"{kind}{place}/{number:04d}", symbols, span


def _chosen(
    spec: JobSpec, interval: Interval | None, whole: Window | None, missing: MissingOf | None
) -> Iterator[tuple[tuple[str, ...], Window | None]]:
    """Batches of symbols with the window that has all that is missing of any of them."""
    if interval is None or whole is None or missing is None:
        yield from ((symbols, whole) for symbols in _chunks(spec.symbols, spec.batch_size))
        return
    windows = missing(interval, whole)
    # Those that lack the same go together, so that a task's window says what it is about.
    alike = sorted(windows, key=lambda symbol: (windows[symbol].start, windows[symbol].end))
    for symbols in _chunks(alike, spec.batch_size):
        yield (
            symbols,
            Window(min(windows[one].start for one in symbols), max(windows[one].end for one in symbols)),
        )


def _chunks(symbols: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(symbols), size):
        yield tuple(symbols[start : start + size])


def requests_for(
    symbol: str, interval: Interval, window: Window, limits: Limits, *, now: datetime
) -> list[BarsRequest]:
    """The requests that a window of one symbol takes, oldest first; what the provider no longer serves is left out."""
    return [BarsRequest(symbol, interval, span.start, span.end) for span in cut(window, limits, now)]


def since_newest(newest: Newest, interval: Interval, limits: Limits, now: datetime) -> Window:
    """What is asked for to go on from the newest stored bar: the last few stored bars again, and what came after them."""
    start = newest.overlap_at or newest.at - interval.length * OVERLAP_BARS
    if limits.max_span is not None and newest.at >= now - limits.max_span:
        # Bars that are stored are not worth a second request.
        start = max(start, now - limits.max_span)
    return Window(start, now)


def first_window(interval: Interval, first: Period | None, now: datetime) -> Window:
    """What the first run of a series asks for: as far back as the job says, else a year, or five days within the day."""
    if first is not None:
        return Window(first.times(-1, now), now)
    return Window(now - (FIRST_INTRADAY if interval.is_intraday else FIRST_DAILY), now)
