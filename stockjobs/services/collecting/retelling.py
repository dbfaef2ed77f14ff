"""Retelling: the stored history of a series is told in new shares, with what it was kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import numpy as np

from stockjobs.domain.market.restatement import Restated, lacks
from stockjobs.domain.market.shares import THIS, Bound, applied_to, in_old_shares, with_arrivals
from stockjobs.domain.market.splits import Split
from stockjobs.services.collecting.retold import Deed, instant, restatement, told_of
from stockjobs.services.collecting.series import Series, Step
from stockjobs.store.ledger import events
from stockjobs.store.market import bar_versions
from stockjobs.store.market.bar_rows import Stored
from stockjobs.store.market.bar_versions import Part
from stockjobs.store.market.findings import Finding

RECENT = timedelta(days=30)
"""For so long after its ex-day it is looked whether a split is in the stored prices, even if no overlap shows it."""

APPLIED_AFTER = timedelta(days=7)
"""Bars that were landed so long after the ex-day of a split have it in their prices, where nothing else tells."""


class Retelling:
    """Tells the stored history of one series in new shares.

    `told` are the splits that stored prices were found to have, or have now; one for which there is no event counts as of now.
    `noted` are the landings whose prices were found to have a split.
    """

    def __init__(self, step: Step, series: Series, splits: tuple[Split, ...]) -> None:
        self._step, self._series, self._splits = step, series, splits
        self.findings: list[Finding] = []
        self.restated = 0
        self.told: list[Split] = []
        self.noted: list[tuple[Split, frozenset[int]]] = []

    def as_overlap_shows(self, verdict: Restated) -> None:
        """Restate what is in the shares in which the overlap was."""
        if not verdict.splits:
            self._restate(verdict.ratio, None, verdict.is_old)
        elif len(verdict.splits) == 1:
            self._restate(verdict.ratio, verdict.splits[0], verdict.is_old)
        else:
            count = len(verdict.splits)
            self._restate_all(verdict.splits, {one: 0 if is_old else count for one, is_old in verdict.is_old.items()})

    def as_events_say(self, stored: Stored, known: Sequence[Split]) -> None:
        """Restate what no overlap shows, where a split is new or recent and not in the stored prices."""
        came, pending = self._series.came, stored.bars.at[~stored.bars.provisional]
        if not len(came):
            return
        since = int(came.at[0]) - RECENT.total_seconds()
        looked_at = [split for split in self._splits if split not in known or split.at >= since]
        lacking = tuple(split for split in looked_at if self._is_lacking(split))
        # The source told these as they are stored: it has not applied the split yet, or it had long before.
        told = [split for split in lacking if (pending < split.at).any()]
        if len(lacking) > 1 and not told:
            self._restate_all(lacking, {})
            return
        for split in lacking:
            self._restate(split.ratio, split, {}, only_note=split in told)

    def _is_lacking(self, split: Split) -> bool:
        last = bar_versions.last_before(self._step.connection, self._part(split))
        return last is not None and bool(lacks(np.array([last[0]]), np.array([last[1]]), split, self._splits)[0])

    def _part(self, split: Split | None, without: Collection[int] = ()) -> Part:
        before = None if split is None else instant(split.at)
        return Part(self._series.instrument.id, self._series.interval, before, without)

    def _restate(self, ratio: float, split: Split | None, sure: Mapping[int, bool], *, only_note: bool = False) -> None:
        connection = self._step.connection
        past, factor = bar_versions.history(connection, self._part(split))
        lacking = lacks(past.at, factor, split, self._splits) if split else np.ones(len(past.at), dtype=np.bool_)
        done = {int(landing) for landing in past.landing[~lacking]}
        known = {**sure, **dict.fromkeys(done, False)}
        if not only_note:
            # What came is in the new shares, and lies between what was stored at other times.
            past, known[THIS] = with_arrivals(past, self._series.came, split.at if split else None), False
        told = in_old_shares(past, ratio, sure=known, bound=self._bound(split))
        told.pop(THIS, None)
        is_old = self._decided(told, split)
        old = {landing for landing, one in is_old.items() if one}
        new = set(is_old) - old - done
        if new and split is not None:
            bar_versions.note_split(connection, self._part(split, old | done), ratio)
            self._note(split, new)
        if old and not only_note:
            self._tell_anew(ratio, split, without=new | done)

    def _restate_all(self, splits: tuple[Split, ...], sure: Mapping[int, int]) -> None:
        """Restate by several splits at once: one alone would not tell in which shares a landing is."""
        last = splits[-1]
        past, factor = bar_versions.history(self._step.connection, self._part(last))
        lacking = [lacks(past.at, factor, split, self._splits) for split in splits]
        ready = {int(landing): len(splits) for landing in past.landing[~np.logical_or.reduce(lacking)]}
        known = {**ready, **sure, THIS: len(splits)}
        whole = with_arrivals(past, self._series.came, last.at)
        applied = self._timed(applied_to(whole, splits, sure=known, bound=self._bound(last)), splits)
        told_anew: set[int] = set()
        for number, split in enumerate(splits):
            done = {int(landing) for landing in past.landing[~lacking[number] & (past.at < split.at)]}
            old = {landing for landing, count in applied.items() if count <= number} - done
            new = set(applied) - old - done
            if new:
                # What was told anew by the split before lacks this one.
                bar_versions.note_split(self._step.connection, self._part(split, old | done | told_anew), split.ratio)
                self._note(split, new)
            if old or told_anew:
                self._tell_anew(split.ratio, split, without=new | done)
                told_anew = {self._step.landing()}

    def _note(self, split: Split, landings: Collection[int]) -> None:
        self.told.append(split)
        self.noted.append((split, frozenset(landings)))

    def _timed(self, applied: Mapping[int, int | None], splits: Sequence[Split]) -> dict[int, int]:
        """How many splits are in each landing; where the prices do not tell, by when it was made."""
        unclear = [landing for landing, count in applied.items() if count is None and landing != THIS]
        at = bar_versions.landed_at(self._step.connection, unclear) if unclear else {}
        by_time = {
            landing: sum(instant(split.at) + APPLIED_AFTER <= made for split in splits) for landing, made in at.items()
        }
        return {
            landing: by_time.get(landing, 0) if count is None else count
            for landing, count in applied.items()
            if landing != THIS
        }

    def _decided(self, told: Mapping[int, bool | None], split: Split | None) -> dict[int, bool]:
        unclear = [landing for landing, is_old in told.items() if is_old is None]
        at = bar_versions.landed_at(self._step.connection, unclear) if unclear and split else {}
        applied = None if split is None else instant(split.at) + APPLIED_AFTER
        return {
            landing: is_old if is_old is not None else applied is None or landing not in at or at[landing] < applied
            for landing, is_old in told.items()
        }

    def _bound(self, split: Split | None) -> Bound | None:
        if split is None:
            return None
        came = self._series.came
        after = came.where(came.at >= split.at)
        found = [Bound(int(after.at[0]), float(after.open[0]))] if len(after) else []
        stored = bar_versions.first_from(self._step.connection, self._part(split))
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
