"""What `import stockjobs` offers: a handful of functions on one container, made at the first call."""

from __future__ import annotations

import getpass
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, overload

from pydantic import ValidationError

from stockjobs.bootstrap import Container
from stockjobs.domain.events import Event, event_names
from stockjobs.domain.excerpts import shown
from stockjobs.domain.market.findings import FindingFilter, FindingKind, FindingState, words_of
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery
from stockjobs.domain.market.symbols import normalise
from stockjobs.domain.periods import iso, parse_duration
from stockjobs.domain.work.filters import Filter
from stockjobs.domain.work.jobs import JobSpec, OnFailure, WindowSpec
from stockjobs.domain.work.states import State
from stockjobs.errors import InvalidInput, Problem
from stockjobs.services.work.reports import JobReport, OccurrenceReport
from stockjobs.services.work.requests import Request, Timing
from stockjobs.services.work.statistics import StatisticsReport
from stockjobs.store.market.quarantine import StoredFinding

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

When = str | date | datetime


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
        return _container().reports.occurrence(self.id)

    def wait(self, timeout: float | timedelta | None = None) -> OccurrenceReport:
        """Wait until it has ended; `timeout` in seconds. Returns outcome, rows, and the attempts with their errors.

        Raises TimeoutError; the work goes on.
        """
        limit = timedelta(seconds=timeout) if isinstance(timeout, int | float) else timeout
        return _container().reports.wait(_container().reports.occurrence(self.id).occurrence.id, limit)

    def cancel(self) -> None:
        """Stop it: what waits at once, what runs within seconds. Raises Conflict if it has ended."""
        _container().steering.cancel(self.id, by=_user())


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
    the same, as `on_failure` says (skip, fail, run).
    """
    timing = _timing(scheduled_at, start_after, after, on_failure)
    window = _checked(WindowSpec, {"period": period})
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
    window = _checked(WindowSpec, {"start": _text(start), "end": _text(end), "period": period, "refetch": refetch})
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
    occurrence = _container().requests.trigger(Request(job, _user(), key, timing=timing))
    return Submitted(str(occurrence.id), occurrence.job)


def wait(occurrence: Submitted | str, timeout: float | timedelta | None = None) -> OccurrenceReport:
    """Wait for an occurrence, as `Submitted.wait`."""
    submitted = occurrence if isinstance(occurrence, Submitted) else Submitted(occurrence, "")
    return submitted.wait(timeout)


def jobs() -> list[JobReport]:
    """All jobs with their newest occurrence."""
    return _container().reports.jobs()


def events(
    *,
    after: int | None = None,
    follow: bool = False,
    job: str | None = None,
    occurrence: Submitted | str | None = None,
    names: Sequence[str] = (),
) -> Iterator[Event]:
    """The events after a cursor, oldest first; without one only those to come. Following, it waits for more for ever.

    An event's `id` is the cursor to go on from. They may be those of one job, of one occurrence, or with some names
    (`job.failed`). Raises NotFound for an unknown job or occurrence.
    """
    feed = _container().feed
    of = occurrence.id if isinstance(occurrence, Submitted) else occurrence
    return feed.after(after, feed.filter(job=job, occurrence=of, names=event_names(names)), follow=follow)


def findings(
    symbol: str | None = None,
    *,
    kind: str | Sequence[str] = (),
    state: str | Sequence[str] = (),
    rule: str | None = None,
    job: str | None = None,
    since: When | None = None,
    limit: int = 1_000,
) -> list[StoredFinding]:
    """What was found wrong with data, the newest first: bars that were set aside or noted, gaps, restatements.

    `kind` and `state` are words as `stockctl get findings` shows them, or several. Raises NotFound for an unknown job.
    """
    wanted = FindingFilter(
        symbol=normalise(symbol) if symbol else None,
        kinds=words_of([kind] if isinstance(kind, str) else kind, FindingKind, "kind"),
        states=words_of([state] if isinstance(state, str) else state, FindingState, "state"),
        rule=rule,
        since=_instant(since),
    )
    return list(_container().quarantine.listed(wanted, job=job, limit=limit))


def stats(
    *,
    job: str | None = None,
    since: When | None = None,
    before: When | None = None,
    tag: str | None = None,
    states: Sequence[str] = (),
) -> StatisticsReport:
    """Counts, success rate, durations in ms, symbols and rows written of occurrences, in all and for each job.

    Of one job, of those created since ≤ … < before, with a tag, in some states. Raises NotFound for an unknown job.
    """
    wanted = Filter(
        job=job, since=_instant(since), before=_instant(before), tag=tag, states=tuple(_state(word) for word in states)
    )
    return _container().statistics.of(wanted)


def _state(word: str) -> State:
    try:
        return State(word)
    except ValueError:
        raise InvalidInput.because("states", f"{word!r} is not one of {', '.join(State)}") from None


@overload
def bars(
    symbols: str | Sequence[str],
    interval: str = "1d",
    start: When | None = None,
    end: When | None = None,
    *,
    adjusted: str = "splits",
    as_of: When | None = None,
    provider: str = "yahoo",
    format: Literal["pandas"] = "pandas",
) -> pd.DataFrame: ...


@overload
def bars(
    symbols: str | Sequence[str],
    interval: str = "1d",
    start: When | None = None,
    end: When | None = None,
    *,
    adjusted: str = "splits",
    as_of: When | None = None,
    provider: str = "yahoo",
    format: Literal["arrow"],
) -> pa.Table: ...


def bars(
    symbols: str | Sequence[str],
    interval: str = "1d",
    start: When | None = None,
    end: When | None = None,
    *,
    adjusted: str = "splits",
    as_of: When | None = None,
    provider: str = "yahoo",
    format: str = "pandas",
) -> pd.DataFrame | pa.Table:
    """Stored bars with start ≤ at < end as a DataFrame, or as an Arrow table with `format="arrow"`.

    The index is `at`, the open of each bar in UTC; for a list of symbols it is (symbol, at). Columns: open, high, low, close in
    the instrument's currency and unit; volume (NaN where the source gave none); provisional, True where the source may still
    change the bar. `adjusted` is `splits`, as the source gives them; `all`, for what was paid out too; or `none`, as traded.
    `as_of` gives the bars as they were known, and settled, at a moment. Raises NotFound for a symbol that nothing is stored for.
    """
    if format not in _FORMATS:
        raise InvalidInput.because("format", f"{format!r} is not one of {', '.join(_FORMATS)}")
    names = _names(symbols)
    window = (_instant(start), _instant(end))
    query = BarsQuery(names, _interval(interval), *window, _adjusted(adjusted), _instant(as_of), provider)
    found = _container().reading.table(query, lambda one: warnings.warn(str(one), stacklevel=4))
    if query.as_of and not found.num_rows and (early := _too_early(query)):
        warnings.warn(early, stacklevel=2)
    if format == "arrow":
        return found
    # Only those who want one pay for pandas.
    frames = import_module("stockjobs.services.market.frames")
    made: pd.DataFrame = frames.frame(found) if isinstance(symbols, str) else frames.frame_of_many(found, names)
    return made


def _names(symbols: object) -> tuple[str, ...]:
    if not isinstance(symbols, Iterable) or isinstance(symbols, bytes):
        raise InvalidInput.because("symbols", f"{shown(symbols)} is neither a symbol nor several")
    return tuple(dict.fromkeys(map(normalise, [symbols] if isinstance(symbols, str) else symbols)))


def _too_early(query: BarsQuery) -> str:
    """That nothing was known yet at the moment that is asked about; nothing if something was."""
    known = _container().reading.known(query.provider, query.symbols[:1])
    first = _container().reading.absence(query, next(iter(known.values()))).first_landing_at if known else None
    if query.as_of is None or first is None or first <= query.as_of:
        return ""
    return (
        f"no bars were known at {query.as_of:%Y-%m-%d %H:%M:%SZ}: the first data landed at {first:%Y-%m-%d %H:%M:%SZ}"
    )


_FORMATS = ("pandas", "arrow")


def _adjusted(text: str) -> Adjusted:
    try:
        return Adjusted(text)
    except ValueError:
        raise InvalidInput.because("adjusted", f"{text!r} is not one of {', '.join(Adjusted)}") from None


def _submit(
    symbols: str | Sequence[str], interval: str, window: WindowSpec, key: str | None, timing: Timing, **options: Any
) -> Submitted:
    names = [symbols] if isinstance(symbols, str) else list(symbols)
    fields = {"type": "marketdata", "symbols": names, "intervals": [interval], "window": window, **options}
    spec = _checked(JobSpec, fields)
    occurrence = _container().requests.submit(spec, submitter=_user(), key=key, timing=timing)
    return Submitted(str(occurrence.id), occurrence.job)


def _timing(scheduled_at: When | None, start_after: When | timedelta | None, after: After, on_failure: str) -> Timing:
    others = [after] if isinstance(after, Submitted | str) else after
    names = tuple(other.id if isinstance(other, Submitted) else other for other in others)
    if on_failure not in set(OnFailure):
        raise InvalidInput.because("on_failure", f"{on_failure!r} is not one of {', '.join(OnFailure)}")
    if isinstance(start_after, str) and iso(start_after).startswith(("P", "-")):
        start_after = parse_duration(start_after, "start_after")
    if isinstance(start_after, timedelta):
        start_after = _from_now(start_after)
    return Timing(_instant(scheduled_at), _instant(start_after), names, OnFailure(on_failure))


def _from_now(length: timedelta) -> datetime:
    if length < timedelta(0):
        raise InvalidInput.because(
            "start_after", f"{length.total_seconds():g} s is a negative time", "give a later one"
        )
    try:
        return _container().reports.now() + length
    except OverflowError:
        raise InvalidInput.because("start_after", f"{length.days} days is too long", "give a nearer time") from None


def _checked(model: Any, fields: dict[str, Any]) -> Any:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problems = [
            Problem(".".join(map(str, detail["loc"])), detail["msg"].removeprefix("Value error, "))
            for detail in error.errors()
        ]
        raise InvalidInput(*problems) from None


def _interval(text: str) -> Interval:
    try:
        return Interval(text)
    except ValueError:
        raise InvalidInput.because("interval", f"{text!r} is not one of {', '.join(Interval)}") from None


def _text(when: When | None) -> str | None:
    instant = _instant(when)
    return instant.isoformat().replace("+00:00", "Z") if instant else None


def _instant(when: When | None) -> datetime | None:
    if when is None:
        return None
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when)
        except ValueError:
            raise InvalidInput.because("", f"{when!r} is not a day or an instant", "such as 2026-01-31") from None
    if not isinstance(when, date) or when != when:
        raise InvalidInput.because("", f"{shown(when)} is not a day or an instant", "such as 2026-01-31")
    if not isinstance(when, datetime):
        when = datetime(when.year, when.month, when.day)  # noqa: DTZ001 - made aware below
    try:
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except OverflowError:
        raise InvalidInput.because("", f"{when.isoformat()} is no instant of UTC", "give a nearer time") from None


@cache
def _container_of(_pid: int) -> Container:
    return Container()


def _container() -> Container:
    """The container of this process, also after a fork."""
    return _container_of(os.getpid())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
