"""Answers that were asked for before something happened to the instrument that they cannot know of: nobody can tell any more
in which shares their prices are, so they are asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stockjobs.domain.splits import Split, splits_in
from stockjobs.services.checking import Judged
from stockjobs.services.series import Series, Step
from stockjobs.store import actions, restatements

Seen = tuple[Mapping[int, tuple[Split, ...]], frozenset[tuple[int, int]]]


def seen_since(step: Step, instruments: Sequence[int]) -> Seen:
    """What was learnt of instruments since the attempt began: new splits of each, and the series that were restated."""
    began = step.claim.claimed_at
    return (
        actions.splits_seen_after(step.connection, instruments, began),
        restatements.restated_since(step.connection, instruments, began),
    )


def is_outdated(series: Series, known: Sequence[Split], seen: Seen) -> bool:
    """True if an answer of a series may be in other shares than those of now; `known` are the splits in the store."""
    splits, restated = seen
    if (series.instrument.id, series.interval.seconds) in restated:
        return True
    new = (*splits.get(series.instrument.id, ()), *_not_told_by_all(series, known))
    return any(_is_before(one, new) for one in series.judged)


def _not_told_by_all(series: Series, known: Sequence[Split]) -> tuple[Split, ...]:
    """What one answer may have told of that happened between it and another."""
    return tuple(split for split in series.splits if split not in known) if len(series.judged) > 1 else ()


def _is_before(judged: Judged, splits: Sequence[Split]) -> bool:
    """True if an answer has bars from before a split, and does not tell of it."""
    bars, told = judged.answer.reply.bars, splits_in(judged.answer.reply.actions)
    return bool(len(bars)) and any(split.at > bars.at[0] and split not in told for split in splits)
