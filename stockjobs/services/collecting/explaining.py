"""Explaining: once a split is in the stored prices, bars that were set aside because nobody knew of it are landed after all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from stockjobs.domain.market.bars import Bars, Prices
from stockjobs.domain.market.days import in_place
from stockjobs.domain.market.explaining import NEAR_S, lacked
from stockjobs.domain.market.findings import FindingState
from stockjobs.domain.market.shares import EARLY
from stockjobs.domain.market.splits import InPrices, Split, factors, in_new_shares, in_price
from stockjobs.services.collecting.series import Series, Step
from stockjobs.services.market.calendars import zone_of
from stockjobs.services.market.filling import Filling
from stockjobs.services.market.paid import Aside, ask_again, land_paid
from stockjobs.store.market import actions, aside, bars, findings, quarantine
from stockjobs.store.market.bar_rows import Span, Stored


def land_explained(step: Step, series: Series, told: Sequence[Split]) -> int:
    """Land what was set aside of a series since some splits, as far as these explain it, and tell anew what was paid on its
    days. Returns how many bars and payments.

    `told` are the splits that its stored prices have since this landing, oldest first. Bars that somebody has rejected stay
    aside; the payments that came with them were in their shares all the same.
    """
    since = datetime.fromtimestamp(told[0].at, UTC) - EARLY
    written = 0
    for answer in aside.answers(step.connection, series.instrument.id, series.interval, since):
        stored = _beside(step, series, answer.bars)
        found = lacked(answer.bars, stored.bars, told)
        if found is not None:
            written += _land(step, series, _Explained(answer, found), stored)
            left = quarantine.by_ids(step.connection, answer.findings)
            ask_again(step.connection, [(one, answer.bars.at) for one in left], step.now)
            findings.decide(step.connection, answer.findings, FindingState.MENDED, step.claim.job, step.now)
    return written


def _beside(step: Step, series: Series, held: Bars) -> Stored:
    first, last = int(held.at[0]) - NEAR_S, int(held.at[-1]) + NEAR_S
    [stored] = bars.stored(step.connection, [Span(series.instrument.id, series.interval, first, last)])
    return stored


@dataclass(frozen=True, eq=False)
class _Explained:
    """What was set aside of an answer, and the splits that were not in its prices."""

    answer: aside.Answer
    lacked: tuple[Split, ...]

    @property
    def bars(self) -> Bars:
        """The bars in the shares of the stored ones beside them."""
        return in_new_shares(self.answer.bars, factors(self.answer.bars.at, self.lacked))


def _land(step: Step, series: Series, found: _Explained, stored: Stored) -> int:
    """Land those bars that are open and not stored by now, let their days be gaps no more, and tell their payments anew."""
    instrument, interval = series.instrument, series.interval
    zone = zone_of(instrument)
    told = in_place(stored.bars, found.bars, interval, zone)
    splits = series.placed(actions.splits(step.connection, [instrument.id]).get(instrument.id, ()))
    factor = in_price(told.at, stored.bars.at, stored.split_factor, splits)
    written = _land_new(step, series, told, factor, stored) if found.answer.is_open else 0
    if found.answer.attempt is not None:
        beside = Aside(found.answer.attempt, told.at, found.lacked)
        prices = InPrices(told.at, factor, splits, interval, zone)
        written += land_paid(step.connection, instrument.id, [beside], prices, now=step.now, landing=step.landing)
        step.known_actions.pop(instrument.id, None)
    return written


def _land_new(step: Step, series: Series, told: Bars, factor: Prices, stored: Stored) -> int:
    is_new = np.isin(told.at, stored.bars.at, invert=True)
    if not is_new.any():
        return 0
    instrument, new = series.instrument.id, told.where(is_new)
    landing = bars.Landing(instrument, series.interval, new, bars.APART, factor[is_new])
    written = bars.land(step.connection, [landing], step.now, landing=step.landing)
    Filling(step.connection, instrument, series.interval, step.now).settle(new.at)
    return written
