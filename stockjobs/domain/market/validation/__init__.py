"""Validation: impossible bars are set aside whole, with a reason; nothing is mended and nothing is dropped unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import COLUMNS, PRICES, Bars, Seconds, chained
from stockjobs.domain.market.days import same_as_before
from stockjobs.domain.market.validation.context import NO_TAIL as NO_TAIL
from stockjobs.domain.market.validation.context import Context as Context
from stockjobs.domain.market.validation.context import Mask
from stockjobs.domain.market.validation.context import Tail as Tail
from stockjobs.domain.market.validation.path import is_calm as is_calm
from stockjobs.domain.market.validation.rules import ALONE, TOGETHER, Family, Rule, severity_of
from stockjobs.domain.market.validation.severity import Severity, Switches
from stockjobs.domain.market.validation.view import View

NO_SWITCHES: Switches = {}


@dataclass(frozen=True)
class Broken:
    """A bar that breaks a rule, and its values as they came; of a rule that is noted monthly, the month that has such bars."""

    rule: str
    at: int
    reason: str
    values: Mapping[str, float | None] = field(default_factory=dict)
    bars: Bars | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Checked:
    """Bars after validation, oldest first: the good ones, those set aside, what is noted of the good ones.

    `null_at` are the times at which the source had no prices at all.
    """

    good: Bars
    rejected: tuple[Broken, ...]
    null_at: Seconds
    noted: tuple[Broken, ...] = ()


def validate(bars: Bars, context: Context, switches: Switches = NO_SWITCHES) -> Checked:
    """Tell good bars from impossible ones. A bar that was served twice alike is one bar."""
    missing = np.isnan(bars.close)
    null = missing & np.isnan(bars.open) & np.isnan(bars.high) & np.isnan(bars.low) if missing.any() else missing
    view = _in_order(bars.where(~null) if missing.any() else bars, context)
    with np.errstate(all="ignore"):
        # Prices may be anything; a comparison with what is no number does not hold.
        view, alone = _judged(view, ALONE, switches)
        view, together = _judged(view, TOGETHER, switches)
    noted = (*alone.noted, *together.noted)
    if noted:
        left = set(view.bars.at.tolist())
        noted = tuple(one for one in noted if one.bars is None or one.at in left)
    return Checked(view.bars, (*alone.rejected, *together.rejected), bars.at[null], noted)


def joined(several: Sequence[Bars]) -> Bars:
    """Bars from several places as one, oldest first."""
    whole = chained(several)
    return whole.where(np.argsort(whole.at, kind="stable"))


@dataclass
class _Told:
    """What there is to say about bars."""

    rejected: list[Broken] = field(default_factory=list)
    noted: list[Broken] = field(default_factory=list)


def _judged(view: View, families: tuple[Family, ...], switches: Switches) -> tuple[View, _Told]:
    """The bars that no rule holds back, and what there is to say about the others; of several rules the first counts."""
    told = _Told()
    if not len(view):
        return view, told
    held = view.none()
    for rule, mask, severity in _breaches(view, families, switches):
        if severity is Severity.HOLD:
            told.rejected.extend(_broken(rule, view, mask & ~held))
            held = held | mask
        else:
            told.noted.extend(_noted(rule, view, mask & ~held))
    return (View(view.bars.where(~held), view.context, view.disorder) if held.any() else view), told


def _breaches(view: View, families: tuple[Family, ...], switches: Switches) -> Iterator[tuple[Rule, Mask, Severity]]:
    for family in families:
        if not family.is_sound(view):
            for rule in family.rules:
                severity = severity_of(rule, switches)
                if severity is not Severity.OFF and (mask := rule.mask(view)).any():
                    yield rule, mask, severity


def _in_order(bars: Bars, context: Context) -> View:
    if (bars.at[1:] > bars.at[:-1]).all() and not same_as_before(bars.at, context.interval, context.zone).any():
        return View(bars, context)
    disorder = int((bars.at[1:] < bars.at[:-1]).sum())
    return View(_each_once(bars.where(np.argsort(bars.at, kind="stable")), context), context, disorder)


def _each_once(bars: Bars, context: Context) -> Bars:
    again = same_as_before(bars.at, context.interval, context.zone)
    if not again.any():
        return bars
    # Those of one time, or of one day, have one number.
    columns = (np.cumsum(~again), *(getattr(bars, name) for name in COLUMNS if name != "at"))
    rows = zip(*(column.tolist() for column in columns), strict=True)
    places = {row: place for place, row in enumerate(rows)}
    return bars.where(np.array(sorted(places.values()), dtype=np.intp))


def _broken(rule: Rule, view: View, mask: Mask) -> Iterator[Broken]:
    for place in np.flatnonzero(mask).tolist():
        bar = view.bars.where(np.array([place]))
        values: dict[str, Any] = {name: _finite(float(getattr(bar, name)[0])) for name in (*PRICES, "volume")}
        yield Broken(rule.name, int(bar.at[0]), rule.reason, {**values, **rule.detail(view, place)}, bar)


def _noted(rule: Rule, view: View, mask: Mask) -> Iterator[Broken]:
    if not rule.is_monthly:
        yield from _broken(rule, view, mask)
        return
    for month in np.unique(_months(view.bars.at[mask])).tolist():
        yield Broken(rule.name, int(month.replace(tzinfo=UTC).timestamp()), rule.reason)


def _months(at: Seconds) -> NDArray[np.datetime64]:
    return at.astype("datetime64[s]").astype("datetime64[M]").astype("datetime64[s]")


def _finite(value: float) -> float | None:
    # JSON has no NaN and no infinity.
    return value if np.isfinite(value) else None
