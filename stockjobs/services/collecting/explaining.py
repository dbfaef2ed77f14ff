"""Explaining: once a split is in the stored prices, bars that were set aside because nobody knew of it are landed after all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.days import in_place
from stockjobs.domain.market.explaining import NEAR_S, explained
from stockjobs.domain.market.findings import FindingState
from stockjobs.domain.market.shares import EARLY
from stockjobs.domain.market.splits import Split, in_price
from stockjobs.services.collecting.series import Series, Step
from stockjobs.services.market.calendars import zone_of
from stockjobs.services.market.filling import Filling
from stockjobs.store.market import actions, aside, bars, findings
from stockjobs.store.market.bar_rows import Span, Stored


def land_explained(step: Step, series: Series, told: Sequence[Split]) -> int:
    """Land what was set aside of a series since some splits, as far as these explain it. Returns how many bars.

    `told` are the splits that its stored prices have since this landing, oldest first.
    """
    since = datetime.fromtimestamp(told[0].at, UTC) - EARLY
    written = 0
    for answer in aside.answers(step.connection, series.instrument.id, series.interval, since):
        stored = _beside(step, series, answer.bars)
        found = explained(answer.bars, stored.bars, told)
        if found is not None:
            written += _land(step, series, found, stored)
            findings.decide(step.connection, answer.findings, FindingState.MENDED, step.claim.job, step.now)
    return written


def _beside(step: Step, series: Series, held: Bars) -> Stored:
    first, last = int(held.at[0]) - NEAR_S, int(held.at[-1]) + NEAR_S
    [stored] = bars.stored(step.connection, [Span(series.instrument.id, series.interval, first, last)])
    return stored


def _land(step: Step, series: Series, found: Bars, stored: Stored) -> int:
    """Land those that are not stored by now, and let their days be gaps no more."""
    instrument, interval = series.instrument, series.interval
    zone = zone_of(instrument)
    at_home = in_place(stored.bars, found, interval, zone)
    new = at_home.where(np.isin(at_home.at, stored.bars.at, invert=True))
    if not len(new):
        return 0
    known = actions.splits(step.connection, [instrument.id]).get(instrument.id, ())
    factor = in_price(new.at, stored.bars.at, stored.split_factor, series.placed(known))
    landing = bars.Landing(instrument.id, interval, new, bars.APART, factor)
    written = bars.land(step.connection, [landing], step.now, landing=step.landing)
    Filling(step.connection, instrument.id, interval, step.now).settle(new.at)
    return written
