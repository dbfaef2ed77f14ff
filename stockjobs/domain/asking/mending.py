"""Which holes are worth another request, and in how few requests they can be asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from stockjobs.domain.asking.limits import Limits
from stockjobs.domain.asking.planning import Window
from stockjobs.domain.market.coverage import Cause

_NEVER = frozenset({Cause.NOT_YET, Cause.BEYOND_RETENTION})
_WIDEST = timedelta(days=366)


def is_worth_asking(cause: Cause, ask_again_at: datetime | None, now: datetime, *, force: bool) -> bool:
    """True for bars that the source may have now; `force` asks also for those that it said it does not have."""
    if cause in _NEVER:
        return False
    return force or (ask_again_at is not None and ask_again_at <= now)


def windows(holes: Iterable[Window], limits: Limits, now: datetime) -> Iterator[Window]:
    """The fewest windows of one request each that hold all holes: a request is dear, and equal bars are not written again."""
    widest = min(limits.max_span or _WIDEST, _WIDEST)
    kept_since = now - limits.reach_back if limits.reach_back else None
    current: Window | None = None
    for hole in sorted(holes, key=lambda one: one.start):
        start = max(hole.start, kept_since) if kept_since else hole.start
        if current is not None and hole.end - current.start <= widest:
            current = Window(current.start, max(current.end, hole.end))
            continue
        if current is not None:
            yield current
        current = Window(start, hole.end)
    if current is not None:
        yield current
