"""Answers that were asked for before something happened to the instrument that they cannot know of: nobody can tell any more
in which shares their prices are, so they are asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stockjobs.domain.market.splits import Split, splits_in
from stockjobs.services.collecting.checking import Judged
from stockjobs.services.collecting.series import Series, Step
from stockjobs.store.market import actions, restatements


@dataclass(frozen=True)
class Learnt:
    """What is known of instruments: their splits, with when each was first heard of; which series were restated since the
    attempt began, and of which it is unclear in which shares they are, as instruments and nominal seconds of intervals.
    """

    splits: Mapping[int, Mapping[Split, datetime]]
    restated: frozenset[tuple[int, int]]
    unclear: frozenset[tuple[int, int]]
    began: datetime

    def known(self, instrument: int) -> tuple[Split, ...]:
        """The splits of an instrument, oldest first."""
        return tuple(self.splits.get(instrument, ()))

    def heard(self, instrument: int) -> Mapping[Split, datetime]:
        """The same, with when each was first heard of."""
        return self.splits.get(instrument, {})

    def new(self, instrument: int) -> tuple[Split, ...]:
        """Those of which the attempt could not know when it began."""
        return tuple(split for split, at in self.splits.get(instrument, {}).items() if at > self.began)


def learnt(step: Step, instruments: Sequence[int]) -> Learnt:
    """What is known of instruments, as it is now."""
    began, seen = step.claim.claimed_at, step.concerns
    return Learnt(
        actions.splits_heard(step.connection, instruments),
        restatements.restated_since(step.connection, instruments, began) if seen.restated else frozenset(),
        restatements.unclear_series(step.connection, instruments) if seen.open_findings else frozenset(),
        began,
    )


def is_outdated(series: Series, known: Learnt) -> bool:
    """True if an answer of a series may be in other shares than those of now."""
    instrument = series.instrument.id
    if (instrument, series.interval.seconds) in known.restated:
        return True
    new = series.placed((*known.new(instrument), *_not_told_by_all(series, known.known(instrument))))
    return any(_is_before(one, new) for one in series.judged)


def _not_told_by_all(series: Series, known: Sequence[Split]) -> tuple[Split, ...]:
    """What one answer may have told of that happened between it and another."""
    return tuple(split for split in series.splits if split not in known) if len(series.judged) > 1 else ()


def _is_before(judged: Judged, splits: Sequence[Split]) -> bool:
    """True if an answer has bars from before a split, and does not tell of it."""
    bars, told = judged.answer.reply.bars, splits_in(judged.answer.reply.actions)
    return bool(len(bars)) and any(split.since > bars.at[0] and split not in told for split in splits)
