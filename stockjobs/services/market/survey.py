"""A survey: what is missing of everything that a backfill asks for, read before it is planned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.asking.planning import Window, asked_window
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.jobs import JobSpec, JobType, Mode
from stockjobs.domain.work.lanes import midnight
from stockjobs.services.collecting.missing import Found, Sought, missing_of
from stockjobs.services.collecting.standing import names_of
from stockjobs.store.database import Connection


@dataclass(frozen=True)
class Survey:
    """What every symbol of a definition lacks at each interval, as it stood at `at`, for work about `about`."""

    spec: JobSpec
    at: datetime
    about: datetime
    found: Mapping[Interval, Mapping[str, Found]]

    def missing(self, interval: Interval, span: Window) -> dict[str, Window]:
        """The symbols that lack something inside a span, in their order, and from when until when."""
        windows = {symbol: one.within(span) for symbol, one in self.found[interval].items()}
        return {symbol: window for symbol, window in windows.items() if window is not None}

    def fits(self, spec: JobSpec, about: datetime) -> bool:
        """True while it is about the same symbols, intervals and window, and the same day."""
        return _asked_by(self.spec) == _asked_by(spec) and midnight(self.about) == midnight(about)


def _asked_by(spec: JobSpec) -> tuple[object, ...]:
    return spec.type, spec.mode, spec.provider, spec.symbols, spec.intervals, spec.window


def survey(
    connection: Connection, spec: JobSpec, limits: Callable[[Interval], Limits], now: datetime, about: datetime
) -> Survey | None:
    """What is missing of what a definition asks for at `about`; None where that does not matter: it is not about a window of
    the past, or all of it is wanted again."""
    if spec.type is not JobType.MARKETDATA or spec.mode is Mode.INCREMENTAL or spec.window.refetch:
        return None
    asked = asked_window(spec.window, about)
    names = names_of(connection, spec.provider, spec.symbols)
    found: dict[Interval, Mapping[str, Found]] = {}
    for interval in spec.intervals:
        reach = limits(interval).reach_back
        start = asked.start if reach is None else max(asked.start, about - reach)
        window = Window(start, max(start, asked.end))
        lacks = missing_of(connection, Sought(spec.provider, interval, window, now), tuple(names.values()))
        # A task has the symbols of its job: by which each is asked for is decided when it runs.
        found[interval] = {symbol: lacks[name] for symbol, name in names.items()}
    return Survey(spec, now, about, found)
