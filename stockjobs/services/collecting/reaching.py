"""Reaching back: where the first bars of an answer are held for a split, the next run asks for them, or for what is before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time

from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.shares import LATE
from stockjobs.domain.market.validation import Broken
from stockjobs.domain.market.validation.levels import UNSPLIT
from stockjobs.services.collecting.checking import Judged
from stockjobs.services.collecting.retold import instant, noted
from stockjobs.services.collecting.series import Series, Step
from stockjobs.store.market import bar_versions
from stockjobs.store.market.bar_versions import Part
from stockjobs.store.market.findings import Finding
from stockjobs.store.market.restatements import ASKED_AGAIN


def reach_back(step: Step, series: Series, *, has_left: bool) -> Iterator[Finding]:
    """The findings for which the next run asks for more than the bars before the newest, where the first bars of an answer are
    held in the prices of before a split.

    It `has_left` where stored bars have left the series: what is stored before them looked as good as they did, if they stand
    before a step of prices on another day than the split. Where nothing is stored before them the series begins with them, and
    no later run would ask for them.
    """
    for one in series.judged:
        broken = _first_unsplit(one)
        if broken is None:
            continue
        part = Part(series.instrument.id, series.interval, instant(broken.at))
        span = bar_versions.span(step.connection, part)
        if span is None:
            yield from _begins_with(step, series, broken)
        elif has_left and broken.values.get("step", broken.values["split"]) != broken.values["split"]:
            reason = "prices step by the ratio of a split some days from it: what is stored before is asked for again"
            yield _unclear(step, series, broken, reason, at=span[0])


def _begins_with(step: Step, series: Series, broken: Broken) -> Iterator[Finding]:
    """That a series begins with bars that are held; the source may still apply their split, and runs without a window ask."""
    day = str(broken.values["split"])
    is_over = step.now >= datetime.combine(date.fromisoformat(day), time(), UTC) + LATE
    if is_over or step.claim.window_start is not None:
        return
    what = f"the series begins with bars that came without the split of {broken.values['ratio']:g} on {day}"
    yield _unclear(step, series, broken, f"{what}: {ASKED_AGAIN}", at=instant(broken.at))


def _unclear(step: Step, series: Series, broken: Broken, reason: str, *, at: datetime) -> Finding:
    told = {name: broken.values[name] for name in ("ratio", "split", "step") if name in broken.values}
    found = noted(step, series, FindingKind.UNCLEAR_SHARES, reason, at=at, evidence=told)
    return replace(found, state=FindingState.OPEN)


def _first_unsplit(judged: Judged) -> Broken | None:
    """The first bar of an answer, if it is held for a split by which prices step after it."""
    at = judged.answer.reply.bars.at
    held = (one for one in judged.checked.rejected if one.rule == UNSPLIT and "split" in one.values)
    return next((one for one in held if one.at == at.min()), None)
