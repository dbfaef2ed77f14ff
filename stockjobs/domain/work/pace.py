"""The pace of an occurrence: how much of it is done, and when it will be over if it goes on so. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

ENOUGH = 3
"""Of fewer ended tasks no end is told."""


@dataclass(frozen=True)
class Work:
    """So many symbols are done of all; one counts once for each interval and window."""

    done: int
    total: int


@dataclass(frozen=True)
class Ended:
    """A task that has ended, and of how many symbols it was."""

    started_at: datetime
    finished_at: datetime
    symbols: int


@dataclass(frozen=True)
class Progress:
    """How much of an occurrence is done, counted in symbols, and when it will have ended; None while that is not known."""

    work: Work
    ends_at: datetime | None = None


def progress_of(
    work: Work,
    latest: Sequence[Ended],
    began_at: datetime | None,
    *,
    now: datetime,
    next_try_at: datetime | None = None,
) -> Progress:
    """When an occurrence will have ended, at the pace of the tasks that ended last (the newest first).

    Tasks that run side by side end in bursts. So the pace is taken up to the last end, not to now, unless nothing has ended for
    longer than tasks take: then something is in the way, a limit or a server, and the time that this costs counts.
    `next_try_at` is when the last of the tasks that wait for another try is tried.
    """
    left = work.total - work.done
    if began_at is None or len(latest) < ENOUGH or left <= 0:
        return Progress(work)
    newest, since, symbols = latest[0].finished_at, began_at, sum(one.symbols for one in latest)
    if symbols < work.done and latest[-1].finished_at < newest:
        since, symbols = latest[-1].finished_at, symbols - latest[-1].symbols
    usual = sum((one.finished_at - one.started_at for one in latest), timedelta()) / len(latest)
    until = newest if now - newest <= usual * 1.5 else now
    if until <= since or symbols <= 0:
        return Progress(work)
    ends_at = until + (until - since) * left / symbols
    return Progress(work, max(ends_at, now, *([next_try_at] if next_try_at else [])))
