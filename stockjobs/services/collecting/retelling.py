"""Retelling: the stored history of a series is told in new shares, with what it was kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.restatement import Restated, lacks
from stockjobs.domain.market.shares import LATE, THIS, Bound, Past, applied_to, by_time, in_old_shares, with_arrivals
from stockjobs.domain.market.splits import Split
from stockjobs.services.collecting.retold import Deed, instant, restatement, told_of, unclear_shares
from stockjobs.services.collecting.series import Series, Step
from stockjobs.store.ledger import events
from stockjobs.store.market import bar_versions
from stockjobs.store.market.bar_rows import Stored
from stockjobs.store.market.bar_versions import Part
from stockjobs.store.market.findings import Finding

RECENT = timedelta(days=30)
"""For so long after its ex-day it is looked whether a split is in the stored prices, even if no overlap shows it."""


class Retelling:
    """Tells the stored history of one series in new shares.

    `told` are the splits that stored prices were found to have, or have now; one for which there is no event counts as of now.
    `noted` are the landings whose prices were found to have a split, `not_applied` the splits that the source may not have
    applied yet to what came.
    """

    def __init__(self, step: Step, series: Series, splits: tuple[Split, ...]) -> None:
        self._step, self._series, self._splits = step, series, splits
        self.findings: list[Finding] = []
        self.restated = 0
        self.told: list[Split] = []
        self.noted: list[tuple[Split, frozenset[int]]] = []
        self.not_applied: tuple[Split, ...] = ()

    def as_overlap_shows(self, verdict: Restated) -> None:
        """Restate what is in the shares in which the overlap was."""
        if not verdict.splits:
            self._restate(verdict.ratio, None, verdict.is_old)
        elif len(verdict.splits) == 1:
            self._restate(verdict.ratio, verdict.splits[0], verdict.is_old)
        else:
            count = len(verdict.splits)
            self._restate_all(verdict.splits, {one: 0 if is_old else count for one, is_old in verdict.is_old.items()})

    def as_events_say(self, stored: Stored, known: Mapping[Split, datetime]) -> None:
        """Restate what no overlap shows, where a split is new or recent and not in the stored prices.

        `known` says when those that were told of before were first heard of: other intervals may have told of them.
        """
        came, pending = self._series.came, stored.bars.at[~stored.bars.provisional]
        if not len(came):
            return
        since = int(came.at[0]) - RECENT.total_seconds()
        lately = {split: heard for split, heard in known.items() if heard.timestamp() >= since}
        new = {*self._splits} - known.keys() | self._heard_since(stored, lately)
        looked_at = [split for split in self._splits if split in new or split.at >= since]
        lacking = tuple(split for split in looked_at if self._is_lacking(split))
        # The source told these as they are stored: it has not applied the split yet, or it had long before.
        told = [split for split in lacking if (pending < split.since).any()]
        if len(lacking) > 1 and not told:
            self._restate_all(lacking, {})
            return
        for split in lacking:
            # Long after its day a source has applied it: what it tells as it is stored is in new shares.
            is_sure = split in told and self._step.claim.claimed_at >= instant(split.at) + LATE
            as_told = stored.landing_id[stored.bars.at < split.since] if is_sure else ()
            sure = {int(landing): False for landing in as_told}
            self._restate(split.ratio, split, sure, only_note=split in told)

    def _heard_since(self, stored: Stored, known: Mapping[Split, datetime]) -> set[Split]:
        """The known splits that were heard of since the series was written, as far as the overlap tells; all without any."""
        if not len(stored) or not known:
            return {*known}
        last = int(stored.landing_id.max())
        written_at = bar_versions.landed_at(self._step.connection, [last]).get(last)
        return {split for split, heard in known.items() if written_at is not None and heard >= written_at}

    def _is_lacking(self, split: Split) -> bool:
        last = bar_versions.last_before(self._step.connection, self._part(split))
        return last is not None and bool(lacks(np.array([last[0]]), np.array([last[1]]), split, self._splits)[0])

    def _part(self, split: Split | None, without: Collection[int] = ()) -> Part:
        before = None if split is None else instant(split.since)
        return Part(self._series.instrument.id, self._series.interval, before, without)

    def _restate(self, ratio: float, split: Split | None, sure: Mapping[int, bool], *, only_note: bool = False) -> None:
        connection = self._step.connection
        past, factor = bar_versions.history(connection, self._part(split))
        lacking = lacks(past.at, factor, split, self._splits) if split else np.ones(len(past.at), dtype=np.bool_)
        done = {int(landing) for landing in past.landing[~lacking]}
        self._note_rest(split, past, lacking & np.isin(past.landing, sorted(done)))
        known = {**sure, **dict.fromkeys(done, False)}
        is_shown = split is None or bool(sure)
        if not only_note:
            # What came lies between what was stored at other times, in new shares where the overlap shows it.
            past = with_arrivals(past, self._series.came, split.since if split else None)
            known |= {THIS: False} if is_shown or self._is_applied(split) else {}
        told = in_old_shares(past, ratio, sure=known, bound=self._bound(split))
        if told.pop(THIS, False) is not False and split is not None:
            # The source may not have applied it yet; which of the landings it is in is seen when they all come again.
            self.not_applied += (split,)
            self._ask_again(past, {*told, THIS}, split)
            return
        is_old = self._decided(told, split)
        old = {landing for landing, one in is_old.items() if one}
        new = {landing for landing, one in is_old.items() if one is False} - done
        unclear = {landing for landing, one in is_old.items() if one is None}
        if new and split is not None:
            bar_versions.note_split(connection, self._part(split, old | done | unclear), ratio)
            self._note(split, new)
        if old and not only_note:
            self._tell_anew(ratio, split, without=new | done | unclear)
        if unclear and split is not None:
            self._ask_again(past, unclear, split)

    def _note_rest(self, split: Split | None, past: Past, rest: NDArray[np.bool_]) -> None:
        """Note a split for the bars of landings of which the others have it: what came in one landing is in one kind of shares.

        They came when the source told history anew before it told why, after the bars that were told anew then.
        """
        if split is not None and rest.any():
            at = [instant(one) for one in past.at[rest].tolist()]
            bar_versions.note_split_at(self._step.connection, self._part(split), at, split.ratio)
            self._note(split, {int(one) for one in past.landing[rest]})

    def _restate_all(self, splits: tuple[Split, ...], sure: Mapping[int, int]) -> None:
        """Restate by several splits at once: one alone would not tell in which shares a landing is."""
        last = splits[-1]
        past, factor = bar_versions.history(self._step.connection, self._part(last))
        lacking = [lacks(past.at, factor, split, self._splits) for split in splits]
        ready = {int(landing): len(splits) for landing in past.landing[~np.logical_or.reduce(lacking)]}
        known = {**ready, **sure, THIS: len(splits)}
        whole = with_arrivals(past, self._series.came, last.since)
        applied, unclear = self._timed(applied_to(whole, splits, sure=known, bound=self._bound(last)), splits)
        if unclear:
            self._ask_again(past, unclear, last)
        told_anew: set[int] = set()
        for number, split in enumerate(splits):
            done = {int(landing) for landing in past.landing[~lacking[number] & (past.at < split.since)]}
            old = {landing for landing, count in applied.items() if count <= number} - done
            new = set(applied) - old - done
            if new:
                # What was told anew by the split before lacks this one.
                bar_versions.note_split(
                    self._step.connection, self._part(split, old | done | told_anew | unclear), split.ratio
                )
                self._note(split, new)
            if old or told_anew:
                self._tell_anew(split.ratio, split, without=new | done | unclear)
                told_anew = {self._step.landing()}

    def _note(self, split: Split, landings: Collection[int]) -> None:
        self.told.append(split)
        self.noted.append((split, frozenset(landings)))

    def _timed(self, applied: Mapping[int, int | None], splits: Sequence[Split]) -> tuple[dict[int, int], set[int]]:
        """How many splits are in each landing; where the prices do not tell, by when it was made. And of which nothing tells."""
        known = {landing: count for landing, count in applied.items() if count is not None and landing != THIS}
        unknown: dict[int, bool | None] = {one: None for one in applied if one not in known and one != THIS}
        at = bar_versions.landed_at(self._step.connection, list(unknown)) if unknown else {}
        each = [by_time(unknown, at, instant(split.at)) for split in splits]
        unclear = {landing for landing in unknown if any(one[landing] is None for one in each)}
        counted = {one: sum(not is_old[one] for is_old in each) for one in unknown if one not in unclear}
        return known | counted, unclear

    def _is_applied(self, split: Split | None) -> bool:
        """True if the source has applied a split by now for sure, or nothing came from before it."""
        if split is None or not (self._series.came.at < split.since).any():
            return True
        return self._step.claim.claimed_at >= instant(split.at) + LATE

    def _decided(self, told: Mapping[int, bool | None], split: Split | None) -> Mapping[int, bool | None]:
        """Which landings are in old shares; where the prices do not tell, by when they were made; None where nothing tells."""
        if split is None:
            return {landing: is_old is not False for landing, is_old in told.items()}
        if None not in told.values():
            return told
        return by_time(told, bar_versions.landed_at(self._step.connection, list(told)), instant(split.at))

    def _ask_again(self, past: Past, unclear: Collection[int], split: Split) -> None:
        at = past.at[np.isin(past.landing, sorted(unclear))]
        self.findings.append(unclear_shares(self._step, self._series, split, instant(int(at[0]))))

    def _bound(self, split: Split | None) -> Bound | None:
        if split is None:
            return None
        came, interval = self._series.came, self._series.interval
        # The week or month of a split may open in old shares.
        since = split.since if interval.seconds <= Interval.D1.seconds else split.at
        after = came.where(came.at >= since)
        found = [Bound(int(after.at[0]), float(after.open[0]))] if len(after) else []
        part = Part(self._series.instrument.id, interval, instant(since))
        stored = bar_versions.first_from(self._step.connection, part)
        return min([*found, *([stored] if stored else [])], key=lambda one: one.at, default=None)

    def _tell_anew(self, ratio: float, split: Split | None, without: Collection[int]) -> None:
        step, part = self._step, self._part(split, without)
        span = bar_versions.span(step.connection, part)
        count = bar_versions.restate(step.connection, part, ratio, step.landing())
        if not count or span is None:
            return
        self.restated += count
        self.told.append(split or Split(int(step.now.timestamp()), ratio))
        finding = restatement(step, self._series, Deed(ratio, split, count, *span))
        self.findings.append(finding)
        events.append(step.connection, told_of(step, finding))
