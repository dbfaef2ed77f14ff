"""Reaching back: where the first bars of an answer leave the series for a split, what is stored before them is asked for too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stockjobs.domain.market.findings import FindingKind, FindingState
from stockjobs.domain.market.validation import Broken
from stockjobs.domain.market.validation.levels import UNSPLIT
from stockjobs.services.collecting.checking import Judged
from stockjobs.services.collecting.retold import instant, noted
from stockjobs.services.collecting.series import Series, Step
from stockjobs.store.market import bar_versions
from stockjobs.store.market.bar_versions import Part
from stockjobs.store.market.findings import Finding


def reach_back(step: Step, series: Series) -> Iterator[Finding]:
    """The findings for which the next run asks for all that is stored before an answer, where its first bars stand before a step
    of prices by a split's ratio: what is stored looked as good as they did. To be asked where bars have left the series.
    """
    for one in series.judged:
        broken = _first_before_a_step(one)
        if broken is not None:
            part = Part(series.instrument.id, series.interval, instant(broken.at))
            span = bar_versions.span(step.connection, part)
            if span is not None:
                told = {name: broken.values[name] for name in ("ratio", "split", "step")}
                reason = (
                    "prices step by the ratio of a split some days from it: what is stored before is asked for again"
                )
                found = noted(step, series, FindingKind.UNCLEAR_SHARES, reason, at=span[0], evidence=told)
                yield replace(found, state=FindingState.OPEN)


def _first_before_a_step(judged: Judged) -> Broken | None:
    """The first bar of an answer, if it is held for a step that comes after it on another day than the split: prices that step on
    the day itself are told anew once the source applies it.
    """
    at = judged.answer.reply.bars.at
    held = (one for one in judged.checked.rejected if one.rule == UNSPLIT and "step" in one.values)
    return next((one for one in held if one.at == at.min() and one.values["step"] != one.values["split"]), None)
