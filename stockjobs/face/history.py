"""What happened, one by one and in sum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stockjobs.domain.events import Event, event_names
from stockjobs.domain.work.filters import Filter
from stockjobs.domain.work.states import State
from stockjobs.face import process
from stockjobs.face.values import When, instant, one_of
from stockjobs.face.work import Submitted
from stockjobs.services.work.statistics import StatisticsReport


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
    feed = process.container().feed
    of = occurrence.id if isinstance(occurrence, Submitted) else occurrence
    return feed.after(after, feed.filter(job=job, occurrence=of, names=event_names(names)), follow=follow)


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
        job=job,
        since=instant(since, "since"),
        before=instant(before, "before"),
        tag=tag,
        states=tuple(one_of(State, word, "states") for word in states),
    )
    return process.container().statistics.of(wanted)
