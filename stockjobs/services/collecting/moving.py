"""Moving: a split that the source tells of on another day is the same split, and bars between the days have it or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

import numpy as np

from stockjobs.domain.market.actions import Action, moves
from stockjobs.domain.market.changes import overlap, prices_differ
from stockjobs.domain.market.days import first_bar
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.splits import Split
from stockjobs.services.collecting.paying import answered, known_actions
from stockjobs.services.collecting.series import Series, Step
from stockjobs.services.market.calendars import zone_of
from stockjobs.store.market import bar_versions
from stockjobs.store.market.bar_rows import Stored


@dataclass(frozen=True)
class Move:
    """A split that was known on a day and is told of on another; both in epoch seconds."""

    former: int
    now: int
    ratio: float

    def span(self, interval: Interval, zone: tzinfo) -> tuple[int, int]:
        """The bars of an interval between the two days, the later one excluded."""
        first, last = (
            first_bar(datetime.fromtimestamp(at, UTC), interval, zone) for at in sorted((self.former, self.now))
        )
        return first, last

    @property
    def factor(self) -> float:
        """By how much more the shares of the bars between have become since, by the new day of the split."""
        return self.ratio if self.now > self.former else 1 / self.ratio


def moved_splits(step: Step, series: Series) -> tuple[Move, ...]:
    """The known splits of which the answers tell on another day."""
    told = tuple(Action(one.kind, one.at, one.value) for one in series.actions if one.kind == "split")
    pairs = moves(known_actions(step, series), told, answered(series)) if told else ()
    return tuple(Move(int(one.at.timestamp()), int(now.at.timestamp()), now.value) for one, now in pairs)


def without(known: Sequence[Split], moved: Sequence[Move]) -> tuple[Split, ...]:
    """The known splits that are still told of on their days."""
    former = {one.former for one in moved}
    return tuple(split for split in known if split.at not in former)


def follow(step: Step, series: Series, stored: Stored | None, moved: Sequence[Move]) -> Stored | None:
    """Write down which bars of the instrument have moved splits in their prices, unless the source tells those prices anew.

    Returns what is stored with the factors that it has then.
    """
    for one in moved:
        first, last = one.span(series.interval, zone_of(series.instrument))
        if stored is not None and _is_told_anew(series, stored, first, last):
            continue
        for interval in Interval:
            span = one.span(interval, zone_of(series.instrument))
            bar_versions.note_between(step.connection, (series.instrument.id, interval), span, one.factor)
        if stored is not None:
            between = (stored.bars.at >= first) & (stored.bars.at < last)
            stored = replace(
                stored, split_factor=np.where(between, stored.split_factor * one.factor, stored.split_factor)
            )
    return stored


def _is_told_anew(series: Series, stored: Stored, first: int, last: int) -> bool:
    both = overlap(stored.bars, series.came)
    old, now = stored.bars.where(both.stored), series.came.where(both.came)
    between = (old.at >= first) & (old.at < last)
    return bool((prices_differ(old, now) & between).any())
