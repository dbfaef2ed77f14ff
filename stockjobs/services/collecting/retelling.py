"""Retelling: the stored history of a series is told in new shares, with what it was kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from stockjobs.domain.market.applying import Applied, Arrival, Evidence, History, by_ratio, by_several, by_split
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.restatement import Restated, Verdict, lacks
from stockjobs.domain.market.splits import Split
from stockjobs.services.collecting.paying import Noted
from stockjobs.services.collecting.retold import Deed, instant, restatement, told_of, unclear_shares
from stockjobs.services.collecting.series import Series, Step
from stockjobs.store.ledger import events
from stockjobs.store.market import bar_versions
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

    def evidence(self, split: Split | None) -> Evidence:
        past, factor = bar_versions.history(self.step.connection, self.part(split))
        landed = bar_versions.landed_at(self.step.connection, {*past.landing.tolist()})
        history = History(past, factor, landed)
        if split is None:
            return Evidence(history, self.arrival)
        # The week or month of a split may open in old shares.
        since = split.since if self.series.interval.seconds <= Interval.D1.seconds else split.at
        part = Part(self.series.instrument.id, self.series.interval, instant(since))
        return Evidence(
            history, self.arrival, self.arrival.bound(since, bar_versions.first_from(self.step.connection, part))
        )


def retell(step: Step, series: Series, splits: Sequence[Split], verdict: Verdict) -> Anew:
    """Restate what is in the shares in which the overlap with stored bars was, if it was restated."""
    if not isinstance(verdict, Restated):
        return Anew()
    past = _Past(step, series, Arrival(series.came, step.claim.claimed_at, splits))
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
    """Restate what no overlap shows, where a split is new or recent and not in the stored prices.

    `known` says when those that were told of before were first heard of: other intervals may have told of them.
    """
    past = _Past(step, series, Arrival(series.came, step.claim.claimed_at, splits))
    lacking = tuple(split for split in _looked_at(past, stored, known) if _is_lacking(past, split))
    pending = stored.bars.at[~stored.bars.provisional]
    # The source told these as they are stored: it has not applied the split yet, or it had long before.
    as_stored = [split for split in lacking if (pending < split.since).any()]
    if len(lacking) > 1 and not as_stored:
        return _act_on_all(past, lacking, {})
    return Anew.together(
        _act(past, by_split(past.evidence(split), split, _sure(past, split, stored), is_as_stored=True))
        if split in as_stored
        else _act(past, by_split(past.evidence(split), split, {}))
        for split in lacking
    )


def _looked_at(past: _Past, stored: Stored, known: Mapping[Split, datetime]) -> Iterator[Split]:
    """The splits that are new or recent."""
    splits = past.arrival.splits
    since = int(past.series.came.at[0]) - RECENT.total_seconds()
    lately = {split: heard for split, heard in known.items() if heard.timestamp() >= since}
    new = {*splits} - known.keys() | _heard_since(past, stored, lately)
    return (split for split in splits if split in new or split.at >= since)


def _heard_since(past: _Past, stored: Stored, known: Mapping[Split, datetime]) -> set[Split]:
    """The known splits that were heard of since the series was written, as far as the overlap tells; all without any."""
    if not len(stored) or not known:
        return {*known}
    last = int(stored.landing_id.max())
    written_at = bar_versions.landed_at(past.step.connection, [last]).get(last)
    return {split for split, heard in known.items() if written_at is not None and heard >= written_at}


def _is_lacking(past: _Past, split: Split) -> bool:
    last = bar_versions.last_before(past.step.connection, past.part(split))
    return last is not None and bool(lacks(np.array([last[0]]), np.array([last[1]]), split, past.arrival.splits)[0])


def _sure(past: _Past, split: Split, stored: Stored) -> dict[int, bool]:
    """Long after its day a source has applied a split: what it tells as it is stored is in new shares."""
    as_stored = stored.landing_id[stored.bars.at < split.since] if past.arrival.is_late(split) else ()
    return {int(landing): False for landing in as_stored}


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
    if split is not None and one.ask_from is not None:
        asked = unclear_shares(past.step, past.series, split, instant(one.ask_from))
        found.append(Anew((asked,), pending=(split,) if one.is_pending else ()))
    return Anew.together(found)


def _tell_anew(past: _Past, one: Applied) -> Anew:
    step, part = past.step, past.part(one.split, one.new | one.done | one.unclear)
    span = bar_versions.span(step.connection, part)
    count = bar_versions.restate(step.connection, part, one.ratio, step.landing())
    if not count or span is None:
        return Anew()
    finding = restatement(step, past.series, Deed(one.ratio, one.split, count, *span))
    events.append(step.connection, told_of(step, finding))
    return Anew((finding,), count, (one.split or Split(int(step.now.timestamp()), one.ratio),))
