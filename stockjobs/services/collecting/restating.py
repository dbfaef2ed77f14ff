"""Restating: a series as the source tells it now is held against what is stored, which is told anew where history was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from stockjobs.domain.market.applying import Again, Arrival
from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.restatement import LARGE, Known, Revised, Varies, compared
from stockjobs.domain.market.smoothness import is_torn
from stockjobs.domain.market.splits import InPrices, Split, in_price, together
from stockjobs.services.collecting.paying import Retold
from stockjobs.services.collecting.retelling import RECENT, Anew, arrival_of, retell, retell_unseen
from stockjobs.services.collecting.retold import instant, noted, unclear_before
from stockjobs.services.collecting.series import Series, Step
from stockjobs.services.market.calendars import zone_of
from stockjobs.services.market.paid import left_out
from stockjobs.store.market import aside, bar_versions, bars, disagreements, findings, restatements
from stockjobs.store.market.bar_rows import Span, Stored
from stockjobs.store.market.bar_versions import Part
from stockjobs.store.market.findings import Finding


@dataclass(frozen=True)
class Settled:
    """A series that may be landed, or None where it was set aside; what was found; how its stored bars were told anew,
    and by which splits.
    """

    landing: bars.Landing | None
    findings: tuple[Finding, ...] = ()
    retold: Retold | None = None
    told: tuple[Split, ...] = ()


def clear_up(step: Step, series: Series) -> None:
    """Close what was unclear of the bars that have come; what still is must be found again by now, and is open then.

    A run without a window has asked for all that was unclear when it began: what did not come is beyond what the source keeps.
    """
    claim, told = step.claim, [one.answer.reply.bars.at for one in series.judged]
    # What came and was set aside has findings of its own.
    at = np.concatenate([series.came.at, *told])
    span = Span(series.instrument.id, series.interval, int(at.min()), int(at.max()))
    restatements.clear_up(step.connection, span, by=claim.job, now=step.now)
    if claim.window_start is None:
        of_series = (series.instrument.id, series.interval)
        restatements.give_up(step.connection, of_series, asked_at=claim.claimed_at, by=claim.job, now=step.now)


def settled(step: Step, series: Series, stored: Stored, known: Mapping[Split, datetime]) -> Settled:
    """Hold what came of a series against what is stored of its span, and tell stored history anew if the source did so.

    `known` are the splits of the instrument in the store, with when each was first heard of.
    """
    splits = together(tuple(known), series.splits)
    before = Known(stored.bars, stored.split_factor, stored.landing_id)
    verdict = compared(before, series.came, splits, series.released_at)
    if isinstance(verdict, Varies) and verdict.is_other_unit and _is_told_whole(step, series, stored):
        verdict = Revised(len(stored), verdict.first, abs(verdict.highest - 1))
    if isinstance(verdict, Varies):
        return Settled(None, (_set_aside(step, series, verdict),))
    found = _revised(step, series, before, verdict) if isinstance(verdict, Revised) else []
    seen = retell(step, series, splits, stored, verdict)
    stored = _read_again(step, series) if seen.told else stored
    unseen = retell_unseen(step, series, splits, stored, known)
    stored = _read_again(step, series) if unseen.told else stored
    anew = Anew.together((seen, unseen))
    recent = [split for split in splits if split.at > series.came.at[0] - RECENT.total_seconds()]
    if recent:
        _settle(step, series, recent, arrival_of(step, series, splits, stored))
    applied = tuple(split for split in splits if split not in anew.pending)
    # What did not come again may be in other shares than what came.
    beside = stored.where(np.isin(stored.bars.at, series.came.at)) if anew.pending else stored
    factor = in_price(series.came.at, beside.bars.at, beside.split_factor, applied)
    landing = bars.Landing(series.instrument.id, series.interval, series.came, step.claim.window_start, factor, stored)
    came = InPrices(series.came.at, factor, splits, series.interval, zone_of(series.instrument))
    retold = Retold(came, anew.restated, anew.noted)
    return Settled(landing, (*found, *anew.findings), retold, tuple(sorted(set(anew.told))))


def _read_again(step: Step, series: Series) -> Stored:
    [stored] = bars.stored(step.connection, [bars.span_of(series.instrument.id, series.interval, series.came)])
    return stored


def _settle(step: Step, series: Series, recent: Sequence[Split], arrival: Arrival) -> None:
    """Close what was set aside in the prices of before a split, where good bars stand and the source has applied it by now, or
    where it stands in new shares.
    """
    of_series = (series.instrument.id, series.interval)
    shown = [split.ratio for split in recent if arrival.has_shown(split)]
    if not shown:
        # The overlap with what is stored may not reach back before the ex-day any more.
        ratios = [split.ratio for split in recent]
        aside.settle_told(step.connection, of_series, ratios, by=step.claim.job, now=step.now)
        return
    aside.settle(step.connection, of_series, zone_of(series.instrument), by=step.claim.job, now=step.now)
    over = disagreements.over(step.connection, disagreements.open_of(step.connection, of_series), ratios=shown)
    findings.decide(step.connection, over, FindingState.MENDED, step.claim.job, step.now)


def _is_told_whole(step: Step, series: Series, stored: Stored) -> bool:
    """True if all that is stored of a series was asked for anew and has come: then no two units can stand in it."""
    if not step.claim.is_refetch or not np.isin(stored.bars.at, series.came.at).all():
        return False
    span = bar_versions.span(step.connection, Part(series.instrument.id, series.interval))
    return span == (instant(int(stored.bars.at[0])), instant(int(stored.bars.at[-1])))


def _revised(step: Step, series: Series, stored: Known, revised: Revised) -> list[Finding]:
    """What is found where bars are revised: that they are, and that what is before them may be off as they were."""
    found = [_revision(step, series, revised)]
    again = Again.of(stored, series.came).at
    if revised.largest <= LARGE or revised.first != again[0]:
        return found
    part = Part(series.instrument.id, series.interval)
    before = bar_versions.close_before(step.connection, replace(part, before=instant(revised.first)))
    old, now = _open(stored.bars, revised.first), _open(series.came, revised.first)
    span = bar_versions.span(step.connection, part)
    if before is not None and span is not None and is_torn(before, old, now):
        found.append(unclear_before(step, series, old / now, span[0]))
    return found


def _open(bars_: Bars, at: int) -> float:
    return float(bars_.open[np.searchsorted(bars_.at, at)])


def _revision(step: Step, series: Series, revised: Revised) -> Finding:
    evidence = {"bars": revised.bars, "largest": revised.largest}
    reason = "the source changed settled bars"
    return noted(step, series, FindingKind.REVISION, reason, at=instant(revised.first), evidence=evidence)


def _set_aside(step: Step, series: Series, varies: Varies) -> Finding:
    evidence = {"lowest": varies.lowest, "highest": varies.highest, **left_out(series.actions)}
    return Finding(
        kind=FindingKind.VARYING_RATIO,
        symbol=series.instrument.symbol,
        reason=varies.reason,
        instrument_id=series.instrument.id,
        interval=series.interval,
        at=instant(varies.first),
        job_id=step.claim.job_id,
        attempt_id=step.claim.attempt_id,
        evidence=evidence,
        bars=series.came,
    )
