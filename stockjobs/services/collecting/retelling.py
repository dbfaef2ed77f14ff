"""Retelling: the stored history of a series is told in new shares, with what it was kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from stockjobs.domain.market.applying import (
    Again,
    Applied,
    Arrival,
    Evidence,
    History,
    by_ratio,
    by_several,
    by_split,
)
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.lacking import lacks
from stockjobs.domain.market.restatement import EXPLAINED, Known, Restated, Verdict
from stockjobs.domain.market.splits import Split
from stockjobs.services.collecting.paying import Noted
from stockjobs.services.collecting.retold import Deed, instant, restatement, told_of, unclear_ratio, unclear_shares
from stockjobs.services.collecting.series import Series, Step
from stockjobs.store.ledger import events
from stockjobs.store.market import bar_versions, landings, restatements
from stockjobs.store.market.bar_rows import Stored
from stockjobs.store.market.bar_versions import Part
from stockjobs.store.market.findings import Finding

RECENT = timedelta(days=30)
"""For so long after its ex-day it is looked whether a split is in the stored prices, even if no overlap shows it."""


@dataclass(frozen=True)
class Anew:
    """How a series was told anew: what was found, and how many stored bars were told in new shares.

    `told` are the splits that stored prices were found to have, or have now; one for which there is no event counts as of now.
    `noted` are the landings whose prices were found to have a split, `pending` the splits that the source may not have applied
    yet to what came.
    """

    findings: tuple[Finding, ...] = ()
    restated: int = 0
    told: tuple[Split, ...] = ()
    noted: Noted = ()
    pending: tuple[Split, ...] = ()

    @classmethod
    def together(cls, parts: Iterable[Anew]) -> Anew:
        """Several, one after the other."""
        each = tuple(parts)
        return cls(
            tuple(finding for one in each for finding in one.findings),
            sum(one.restated for one in each),
            tuple(split for one in each for split in one.told),
            tuple(noted for one in each for noted in one.noted),
            tuple(split for one in each for split in one.pending),
        )


@dataclass(frozen=True, eq=False)
class _Past:
    """The stored history of one series, and what came beside it."""

    step: Step
    series: Series
    arrival: Arrival

    def part(self, split: Split | None, without: Collection[int] = ()) -> Part:
        before = None if split is None else instant(split.since)
        return Part(self.series.instrument.id, self.series.interval, before, without)

    def _silent(self, landed: Mapping[int, datetime]) -> frozenset[int]:
        """What was told anew before the source was seen to do so, what people landed, and what this landing has told anew."""
        connection, of_now = self.step.connection, {one for one, at in landed.items() if at >= self.step.now}
        unseen = restatements.unseen(connection, self.series.instrument.id, self.series.interval)
        return frozenset(unseen | of_now | landings.by_people(connection, landed))

    def evidence(self, split: Split | None) -> Evidence:
        past, factor = bar_versions.history(self.step.connection, self.part(split))
        landed = bar_versions.landed_at(self.step.connection, {*past.landing.tolist()})
        history = History(past, factor, landed, self._silent(landed))
        if split is None:
            return Evidence(history, self.arrival)
        # The week or month of a split may open in old shares.
        since = split.since if self.series.interval.seconds <= Interval.D1.seconds else split.at
        part = Part(self.series.instrument.id, self.series.interval, instant(since))
        return Evidence(
            history, self.arrival, self.arrival.bound(since, bar_versions.first_from(self.step.connection, part))
        )


def retell(step: Step, series: Series, splits: Sequence[Split], stored: Stored, verdict: Verdict) -> Anew:
    """Restate what is in the shares in which the overlap with stored bars was, if it was restated."""
    if not isinstance(verdict, Restated):
        return Anew()
    past = _past(step, series, splits, stored)
    if not verdict.splits:
        return _act(past, by_ratio(past.evidence(None), verdict.ratio, verdict.is_old))
    if len(verdict.splits) == 1:
        [split] = verdict.splits
        return _act(past, by_split(past.evidence(split), split, verdict.is_old))
    count = len(verdict.splits)
    return _act_on_all(past, verdict.splits, {one: 0 if is_old else count for one, is_old in verdict.is_old.items()})


def retell_unseen(
    step: Step, series: Series, splits: Sequence[Split], stored: Stored, known: Mapping[Split, datetime]
) -> Anew:
    """Restate what no overlap shows, where a split is new or recent and not in the stored prices; and find out whether what
    came has those that are.

    `known` says when those that were told of before were first heard of: other intervals may have told of them.
    """
    past = _past(step, series, splits, stored)
    new = _new(past, stored, known)
    since = int(series.came.at[0]) - RECENT.total_seconds()
    looked_at = [split for split in splits if split in new or split.at >= since]
    lacking = tuple(split for split in looked_at if _is_lacking(past, split, is_new=split in new and len(stored) > 0))
    doubtful = [split for split in looked_at if split not in lacking and not past.arrival.is_applied(split)]
    if len(lacking) > 1 and not any(past.arrival.as_stored(split) for split in lacking):
        return Anew.together(
            [_act_on_all(past, lacking, {}), *(_act(past, by_split(past.evidence(one), one)) for one in doubtful)]
        )
    return Anew.together(_act(past, by_split(past.evidence(split), split)) for split in (*lacking, *doubtful))


def arrival_of(step: Step, series: Series, splits: Sequence[Split], stored: Stored) -> Arrival:
    """What came of a series, beside what is stored of its span."""
    again = Again.of(Known(stored.bars, stored.split_factor, stored.landing_id), series.came, with_opened=True)
    return Arrival(series.came, step.claim.claimed_at, splits, again)


def _past(step: Step, series: Series, splits: Sequence[Split], stored: Stored) -> _Past:
    return _Past(step, series, arrival_of(step, series, splits, stored))


def _new(past: _Past, stored: Stored, known: Mapping[Split, datetime]) -> set[Split]:
    """The splits that nobody had told of when the series was written last."""
    since = int(past.series.came.at[0]) - RECENT.total_seconds()
    lately = {split: heard for split, heard in known.items() if heard.timestamp() >= since}
    return {*past.arrival.splits} - known.keys() | _heard_since(past, stored, lately)


def _heard_since(past: _Past, stored: Stored, known: Mapping[Split, datetime]) -> set[Split]:
    """The known splits that were heard of since the series was written, as far as the overlap tells; all without any."""
    if not len(stored) or not known:
        return {*known}
    last = int(stored.landing_id.max())
    written_at = bar_versions.landed_at(past.step.connection, [last]).get(last)
    return {split for split, heard in known.items() if written_at is not None and heard >= written_at}


def _is_lacking(past: _Past, split: Split, *, is_new: bool) -> bool:
    """True if stored bars lack a split: any if it is new and was not looked for yet, else the last one before it or one that
    came again.
    """
    if past.arrival.as_stored(split):
        return True
    instrument, interval = past.series.instrument.id, past.series.interval
    # What the source keeps no longer is not asked for again and again.
    if is_new and not restatements.is_asked(past.step.connection, instrument, interval, split):
        history, factor = bar_versions.history(past.step.connection, past.part(split))
        return bool(lacks(history.at, factor, split, past.arrival.splits).any())
    last = bar_versions.last_before(past.step.connection, past.part(split))
    return last is not None and bool(lacks(np.array([last[0]]), np.array([last[1]]), split, past.arrival.splits)[0])


def _act_on_all(past: _Past, splits: tuple[Split, ...], sure: Mapping[int, int]) -> Anew:
    found: list[Anew] = []
    for one in by_several(past.evidence(splits[-1]), splits, sure):
        # What was told anew by the split before lacks this one.
        found.append(_act(past, one, is_told_anew=any(before.restated for before in found)))
    return Anew.together(found)


def _act(past: _Past, one: Applied, *, is_told_anew: bool = False) -> Anew:
    """Do what follows from how a split is applied; of several, after some bars were told anew by another in this landing."""
    connection, split, told_anew = past.step.connection, one.split, {past.step.landing()} if is_told_anew else set()
    found = []
    if split is not None and one.rest:
        # They came when the source told history anew before it told why, after the bars that were told anew then.
        bar_versions.note_split_at(connection, past.part(split), [instant(at) for at in one.rest], one.ratio)
        found.append(Anew(told=(split,), noted=((split, one.with_rest),)))
    if split is not None and one.new:
        without = one.old | one.done | one.unclear | told_anew
        bar_versions.note_split(connection, past.part(split, without), one.ratio)
        found.append(Anew(told=(split,), noted=((split, one.new),)))
    if one.old or is_told_anew:
        found.append(_tell_anew(past, one))
    if one.ask_from is not None:
        unclear = _unclear(past, one, instant(one.ask_from))
        restatements.ask_again(connection, unclear.id)
        found.append(Anew((unclear,)))
    if split is not None and one.is_pending:
        found.append(Anew(pending=(split,)))
    return Anew.together(found)


def _unclear(past: _Past, one: Applied, first: datetime) -> Finding:
    if one.split is None:
        return unclear_ratio(past.step, past.series, one.ratio, first)
    return unclear_shares(past.step, past.series, one.split, first)


def _tell_anew(past: _Past, one: Applied) -> Anew:
    step, part = past.step, past.part(one.split, one.new | one.done | one.unclear)
    span = bar_versions.span(step.connection, part)
    count = bar_versions.restate(step.connection, part, one.ratio, step.landing())
    if not count or span is None:
        return Anew()
    alike = None if one.split else _alike(past, one.ratio, span[1])
    deed = Deed(one.ratio, one.split, count, *span, is_seen=one.is_shown, alike=alike)
    finding = restatement(step, past.series, deed)
    events.append(step.connection, told_of(step, finding))
    return Anew((finding,), count, (one.split or Split(int(step.now.timestamp()), one.ratio),))


def _alike(past: _Past, ratio: float, last: datetime) -> Split | None:
    """The newest known split of a ratio of whose day, or of a later one, bars were told anew; the last of them is given."""
    reached = (split for split in reversed(past.arrival.splits) if split.since <= last.timestamp())
    return next((split for split in reached if abs(split.ratio / ratio - 1) < EXPLAINED), None)
