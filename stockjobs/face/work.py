"""Asking for work, and looking at what becomes of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from stockjobs.domain.periods import iso, parse_duration
from stockjobs.domain.work.jobs import JobSpec, OnFailure, WindowSpec
from stockjobs.domain.work.states import State
from stockjobs.errors import InvalidInput
from stockjobs.face import process
from stockjobs.face.values import When, checked, instant, one_of, text_of
from stockjobs.services.work.reports import JobReport, OccurrenceReport, Reports
from stockjobs.services.work.requests import Request, Timing


@dataclass(frozen=True)
class Submitted:
    """An occurrence that was asked for; it can be waited for, looked at and cancelled."""

    id: str
    job: str

    @property
    def state(self) -> State:
        """Its present state."""
        return self.report().occurrence.state

    def report(self) -> OccurrenceReport:
        """How far it is: its state, its tasks by state, the rows written."""
        return process.container().reports.occurrence(self.id)

    def wait(self, timeout: float | timedelta | None = None) -> OccurrenceReport:
        """Wait until it has ended; `timeout` in seconds. Returns outcome, rows, and the attempts with their errors.

        Raises TimeoutError; the work goes on.
        """
        limit = timedelta(seconds=timeout) if isinstance(timeout, int | float) else timeout
        return process.container().reports.wait(process.container().reports.occurrence(self.id).occurrence.id, limit)

    def cancel(self) -> None:
        """Stop it: what waits at once, what runs within seconds. Raises Conflict if it has ended."""
        process.container().steering.cancel(self.id, by=process.user())


After = Submitted | str | Sequence[Submitted | str]
"""Work that other work waits for: what was submitted, or the ids of occurrences."""


def submit(
    symbols: str | Sequence[str],
    interval: str = "1d",
    *,
    period: str | None = None,
    key: str | None = None,
    scheduled_at: When | None = None,
    start_after: When | timedelta | None = None,
    after: After = (),
    on_failure: str = "skip",
    **options: Any,
) -> Submitted:
    """Collect what is new of some symbols. One call from a script, a notebook or a web handler; it does not wait.

    `interval` is yfinance's word (1m … 1mo). `period` (`"6mo"`, `"P6M"`) is how far the very first run goes back. `key` makes
    the call repeatable: the same key asks for the same occurrence. `options` are fields of a job's spec, such as
    `priority="high"`, `timeout="PT1M"`, `batch_size=5`, `tags=["research"]`, `description="…"`.

    It starts at once, unless told otherwise: `scheduled_at` is the time that it is about, which decides on its lane, and it does
    not start before then; nor before `start_after`, an instant or a length of time from now (a timedelta, `"10m"`); nor before
    what it comes `after`, other submitted work or ids, has completed. If one of those did not, it is skipped, fails, or runs all
    the same, as `on_failure` says (skip, fail, run). A warning says what to start if it is due and there is no worker.
    """
    timing = _timing(scheduled_at, start_after, after, on_failure)
    window = checked(WindowSpec, {"period": period})
    return _submit(symbols, interval, window, key, timing, mode="incremental", **options)


def backfill(
    symbols: str | Sequence[str],
    interval: str = "1d",
    *,
    start: When | None = None,
    end: When | None = None,
    period: str | None = None,
    refetch: bool = False,
    key: str | None = None,
    scheduled_at: When | None = None,
    start_after: When | timedelta | None = None,
    after: After = (),
    on_failure: str = "skip",
    **options: Any,
) -> Submitted:
    """Collect what is missing of a window of the past: start ≤ bar < end, or a period (`"10y"`) that ends today; ten years
    if nobody says. With `refetch` all of it is asked for, also what is stored.

    When it starts is told as to `submit`.
    """
    timing = _timing(scheduled_at, start_after, after, on_failure)
    window = checked(
        WindowSpec, {"start": text_of(start, "start"), "end": text_of(end, "end"), "period": period, "refetch": refetch}
    )
    return _submit(symbols, interval, window, key, timing, mode="backfill", **options)


def trigger(
    job: str,
    *,
    key: str | None = None,
    scheduled_at: When | None = None,
    start_after: When | timedelta | None = None,
    after: After = (),
    on_failure: str = "skip",
) -> Submitted:
    """Run a defined job; when it starts is told as to `submit`.

    Raises NotFound for an unknown job, Conflict if it is disabled or still running.
    """
    timing = _timing(scheduled_at, start_after, after, on_failure)
    occurrence = process.container().requests.trigger(Request(job, process.user(), key, timing=timing))
    return Submitted(str(occurrence.id), occurrence.job)


def wait(occurrence: Submitted | str, timeout: float | timedelta | None = None) -> OccurrenceReport:
    """Wait for an occurrence, as `Submitted.wait`."""
    submitted = occurrence if isinstance(occurrence, Submitted) else Submitted(occurrence, "")
    return submitted.wait(timeout)


def jobs() -> list[JobReport]:
    """All jobs with their newest occurrence."""
    return process.container().reports.jobs()


def _submit(
    symbols: str | Sequence[str], interval: str, window: WindowSpec, key: str | None, timing: Timing, **options: Any
) -> Submitted:
    names = [symbols] if isinstance(symbols, str) else list(symbols)
    fields = {"type": "marketdata", "symbols": names, "intervals": [interval], "window": window, **options}
    spec = checked(JobSpec, fields)
    occurrence = process.container().requests.submit(spec, submitter=process.user(), key=key, timing=timing)
    _warn_if_unserved(process.container().reports, occurrence.id)
    return Submitted(str(occurrence.id), occurrence.job)


def _warn_if_unserved(reports: Reports, occurrence: UUID) -> None:
    """Say at once that there is no worker: whoever waits would be told only that the time is over."""
    # Only then: to look at all tasks of a large request is not for nothing.
    nobody = reports.unserved(occurrence, at_once=True) if not reports.workers() else None
    if nobody is not None:
        # Seen from where `submit` or `backfill` was called.
        warnings.warn(str(nobody), stacklevel=4)


def _timing(scheduled_at: When | None, start_after: When | timedelta | None, after: After, on_failure: str) -> Timing:
    fate = one_of(OnFailure, on_failure, "on_failure")
    others = [after] if isinstance(after, Submitted | str) else after
    names = tuple(other.id if isinstance(other, Submitted) else other for other in others)
    if isinstance(start_after, str) and iso(start_after).startswith(("P", "-")):
        start_after = parse_duration(start_after, "start_after")
    if isinstance(start_after, timedelta):
        start_after = _from_now(start_after)
    return Timing(instant(scheduled_at, "scheduled_at"), instant(start_after, "start_after"), names, fate)


def _from_now(length: timedelta) -> datetime:
    if length < timedelta(0):
        raise InvalidInput.because(
            "start_after", f"{length.total_seconds():g} s is a negative time", "give a later one"
        )
    try:
        return process.container().reports.now() + length
    except OverflowError:
        raise InvalidInput.because("start_after", f"{length.days} days is too long", "give a nearer time") from None
