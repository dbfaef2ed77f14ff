"""What an installation fills in where a job says nothing."""

from __future__ import annotations

from dataclasses import dataclass

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import JobSpec, JobType


@dataclass(frozen=True)
class Defaults:
    """The symbols, intervals and period (ISO 8601) of jobs that name none; an empty one fills in nothing."""

    symbols: tuple[str, ...] = ()
    intervals: tuple[Interval, ...] = ()
    period: str = ""


def filled_in(spec: JobSpec, defaults: Defaults) -> JobSpec:
    """The definition with the defaults where it says nothing; intervals and periods are of market data alone."""
    missing: dict[str, object] = {}
    if not spec.symbols:
        missing["symbols"] = defaults.symbols
    if spec.type is JobType.MARKETDATA:
        if defaults.intervals and "intervals" not in spec.model_fields_set:
            missing["intervals"] = defaults.intervals
        if defaults.period and not (spec.window.start or spec.window.period):
            missing["window"] = spec.window.model_copy(update={"period": defaults.period})
    return spec.model_copy(update=missing)
