"""Paying: what was paid for a share is kept in the shares in which the prices beside it are, and told anew with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

import numpy as np

from stockjobs.domain.market.actions import (
    PAID_ALIKE,
    Action,
    Answered,
    Difference,
    difference,
    session_day,
)
from stockjobs.domain.market.bars import CorporateAction
from stockjobs.domain.market.days import of_day
from stockjobs.domain.market.findings import FindingState
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.lacking import lacks
from stockjobs.domain.market.payments import in_shares_of
from stockjobs.domain.market.splits import InPrices, Split, as_of_days
from stockjobs.services.collecting.belonging import is_of_others
from stockjobs.services.collecting.series import Series, Step
from stockjobs.services.market.calendars import zone_of
from stockjobs.store.market import actions, bar_versions, findings
from stockjobs.store.market.bar_versions import Part

Noted = tuple[tuple[Split, frozenset[int]], ...]
"""Splits, and the numbers of the landings whose prices were found to have them."""


@dataclass(frozen=True)
class Retold:
    """A series that was held against what is stored: the splits that are in the prices that came; how many stored bars were told
    anew; which landings were found to have which splits in their prices.
    """

    came: InPrices
    restated: int = 0
    noted: Noted = ()


def land_actions(step: Step, series: Series, splits: Sequence[Split], retold: Retold | None = None) -> int:
    """Land the actions of a series, after its bars were told anew. Returns how many were new or differed.

    `splits` are all that are known, those of the series among them; `retold` is None where no bars came.
    """
    told = [_told(one, retold.came if retold else _last_bar(step, series, one.at, splits)) for one in series.actions]
    told = _beside_good(step, series, told)
    if retold is not None and (told or retold.restated or retold.noted):
        noted = _noted(known_actions(step, series), told, splits, retold.noted)
        if noted:
            actions.note(step.connection, series.instrument.id, noted)
            step.known_actions.pop(series.instrument.id, None)
        if retold.restated:
            _land(step, series, _in_new_shares(step, series, splits))
    if not told:
        return 0
    found = difference(known_actions(step, series), told, answered(series))
    if found.new:
        _mend(step, series, found.new)
    return _land(step, series, found)


def _land(step: Step, series: Series, found: Difference) -> int:
    instrument = series.instrument.id
    written = actions.land(step.connection, instrument, found, step.now, landing=step.landing)
    step.known_actions.pop(instrument, None)
    return written


def _beside_good(step: Step, series: Series, told: list[Action]) -> list[Action]:
    """Without the known payments beside whose day's bar was set aside: nothing tells in which shares they are."""
    held = np.concatenate([one.held.at for one in series.judged if one.checked.rejected] or [series.came.at[:0]])
    if not len(held) or not any(one.is_payment for one in told):
        return told
    known = {(one.kind, one.at) for one in known_actions(step, series)}
    interval, zone = _kind(series)

    def is_doubtful(one: Action) -> bool:
        return one.is_payment and bool(of_day(held, one.at, interval, zone).any())

    return [one for one in told if (one.kind, one.at) not in known or not is_doubtful(one)]


def land_splits(step: Step, series: Series) -> int:
    """Land only the splits of which a series tells, whose bars and payments cannot be trusted. Returns how many were new."""
    told = [Action(one.kind, one.at, one.value) for one in series.actions if one.kind == "split"]
    found = difference(known_actions(step, series), told, Answered((), zone_of(series.instrument))) if told else None
    return _land(step, series, found) if found else 0


def _mend(step: Step, series: Series, new: Sequence[Action]) -> None:
    """Close the findings about what was set aside of a kind and a day for which a good one has come."""
    zone = zone_of(series.instrument)
    days = {(one.kind, session_day(one.at, zone)) for one in new}
    held = findings.held_actions(step.connection, series.instrument.id)
    mended = [key for key, kind, at in held if (kind, session_day(at, zone)) in days]
    findings.decide(step.connection, mended, FindingState.MENDED, step.claim.job, step.now)


def known_actions(step: Step, series: Series) -> Sequence[Action]:
    """The splits and payments of a series' instrument, as they are known now."""
    instrument = series.instrument.id
    if instrument not in step.known_actions:
        step.known_actions[instrument] = actions.known(step.connection, [instrument]).get(instrument, ())
    return step.known_actions[instrument]


def answered(series: Series) -> Answered:
    """Of which spans the answers of a series are."""
    asked = (one.answer.request for one in series.judged)
    return Answered(tuple((request.start, request.end) for request in asked), zone_of(series.instrument))


def _told(one: CorporateAction, beside: InPrices) -> Action:
    """An action as it came, with the splits that are in it: a payment is in the shares of the bars beside it."""
    factor = 1.0 if one.kind == "split" else beside.of(int(one.at.timestamp()))
    return Action(one.kind, one.at, one.value, factor)


def _last_bar(step: Step, series: Series, at: datetime, splits: Sequence[Split]) -> InPrices:
    """The last stored bar up to an instant, where no bars came."""
    last = bar_versions.last_before(
        step.connection, Part(series.instrument.id, series.interval, at + timedelta(seconds=1))
    )
    opened, factor = ([last[0]], [last[1]]) if last else ([], [])
    return InPrices(np.array(opened, dtype=np.int64), np.array(factor), splits, *_kind(series))


def _kind(series: Series) -> tuple[Interval, tzinfo]:
    return series.interval, zone_of(series.instrument)


def _noted(known: Sequence[Action], told: Sequence[Action], splits: Sequence[Split], landed: Noted) -> list[Action]:
    """The known payments that are in new shares already, which nobody knew when they landed: as their answers' bars were."""
    shown = {(one.kind, one.at): one for one in in_shares_of(known, told, splits)}
    found: dict[tuple[str, datetime], Action] = {}
    splits = as_of_days(splits)
    for split, landings in zip(as_of_days(split for split, _ in landed), (of for _, of in landed), strict=True):
        for one in known:
            key, at = (one.kind, one.at), int(one.at.timestamp())
            there = found.get(key, one)
            is_with_them = one.is_payment and one.landing in landings and key not in shown
            if is_with_them and lacks(np.array([at]), np.array([there.split_factor]), split, splits)[0]:
                found[key] = replace(there, split_factor=there.split_factor * split.ratio)
    return [*shown.values(), *found.values()]


def _in_new_shares(step: Step, series: Series, splits: Sequence[Split]) -> Difference:
    """The payments beside the bars of a series that are not in its shares, as they were and as they are in them."""
    past, factor = bar_versions.history(step.connection, Part(series.instrument.id, series.interval))
    prices = InPrices(past.at, factor, splits, *_kind(series))
    gone, new = [], []
    for one in known_actions(step, series):
        at = int(one.at.timestamp())
        if one.is_payment and prices.reaches(at):
            target = prices.of(at)
            ratio = target / one.split_factor
            if abs(1 / ratio - 1) > PAID_ALIKE and not is_of_others(step, series, past, one, ratio):
                gone.append(one)
                new.append(one.in_shares(target))
    return Difference(tuple(gone), tuple(new))
