"""The rules about splits, dividends and capital gains: what cannot be is set aside, what is odd is noted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from stockjobs.domain.market.bars import ACTION_KINDS, Bars, CorporateAction
from stockjobs.domain.market.days import first_bar
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation.context import Context, Tail
from stockjobs.domain.market.validation.severity import Needs, Severity, Switches

EARLY = timedelta(days=2)
"""How far the day of a split or a payment may lie ahead: clocks and zones differ."""

LARGEST_RATIO = 1e6
"""No split has made so many shares of one, or one of so many."""

LARGE, UNFELT, FELT = 0.5, 0.1, 1 / 3
"""Payments of more than half of the price are rare. One of a tenth is seen in the price, which falls by a third of it or more."""


NEARBY, NEARLY = timedelta(days=5), 0.1
"""Nobody pays nearly the same amount twice within so many days."""


@dataclass(frozen=True)
class Placed:
    """A split or a payment as it came, with what is known around it.

    `before` is the last close before its day, `after` the lower of open and close of that day; None where they are not known.
    `has_twin` says that the answer has another payment of nearly the same amount nearby.
    """

    action: CorporateAction
    now: datetime
    before: float | None = None
    after: float | None = None
    has_twin: bool = False

    @property
    def share(self) -> float:
        """Which part of the price before was paid; 0 for a split and where that is not known."""
        is_known = self.action.kind != "split" and self.before is not None and self.before > 0
        return self.action.value / self.before if is_known and self.before else 0.0

    @property
    def fall(self) -> float | None:
        """By which part of itself the price fell on the day."""
        return None if self.before is None or self.after is None else 1 - self.after / self.before


@dataclass(frozen=True)
class ActionRule:
    """A rule by its name: which actions break it, and why. A `fixed` one cannot be switched."""

    name: str
    severity: Severity
    reason: str
    breaks: Callable[[Placed], bool]
    needs: Needs = Needs.NOTHING
    is_fixed: bool = False


@dataclass(frozen=True)
class BrokenAction:
    """An action that breaks a rule; `is_held` if it is set aside."""

    rule: str
    reason: str
    action: CorporateAction
    is_held: bool


@dataclass(frozen=True)
class CheckedActions:
    """Actions after validation: the good ones, and what there is to say about those and the others."""

    good: tuple[CorporateAction, ...]
    broken: tuple[BrokenAction, ...] = ()


def _is_no_action(placed: Placed) -> bool:
    return placed.action.kind not in ACTION_KINDS


def _is_no_ratio(placed: Placed) -> bool:
    ratio = placed.action.value
    return placed.action.kind == "split" and not 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO


def _is_no_payment(placed: Placed) -> bool:
    amount = placed.action.value
    return placed.action.kind != "split" and not (math.isfinite(amount) and amount > 0)


def _is_unfelt(placed: Placed) -> bool:
    return UNFELT < placed.share <= LARGE and placed.fall is not None and placed.fall < FELT * placed.share


ALONE = (
    ActionRule("action-kind", Severity.HOLD, "it is no split, dividend or capital gain", _is_no_action, is_fixed=True),
    ActionRule(
        "split-ratio", Severity.HOLD, "its ratio is not between a millionth and a million", _is_no_ratio, is_fixed=True
    ),
    ActionRule("payment-amount", Severity.HOLD, "its amount is not a positive number", _is_no_payment, is_fixed=True),
    ActionRule(
        "action-ahead",
        Severity.HOLD,
        "its day is more than two days ahead",
        lambda placed: placed.action.at > placed.now + EARLY,
    ),
)
"""Judged first, so that bars are judged by splits that can be."""

BY_PRICE = (
    ActionRule(
        "payment-above-price",
        Severity.HOLD,
        "it is not less than the price before it",
        lambda placed: placed.share >= 1,
        needs=Needs.NEIGHBOURS,
    ),
    ActionRule(
        "payment-large",
        Severity.NOTE,
        "it is more than half of the price before it",
        lambda placed: LARGE < placed.share < 1,
        needs=Needs.NEIGHBOURS,
    ),
    ActionRule(
        "payment-unfelt",
        Severity.NOTE,
        "it is more than a tenth of the price before it, which did not fall by a third of that",
        _is_unfelt,
        needs=Needs.NEIGHBOURS,
    ),
    ActionRule(
        "payment-twice",
        Severity.NOTE,
        "there is another of nearly the same amount within five days",
        lambda placed: placed.has_twin,
    ),
)

RULES = (*ALONE, *BY_PRICE)


def check_alone(told: Sequence[CorporateAction], now: datetime, switches: Switches) -> CheckedActions:
    """Tell actions from what cannot be one, by themselves."""
    return _checked([Placed(one, now) for one in told], ALONE, switches) if told else CheckedActions(())


def check_by_price(told: Sequence[CorporateAction], good: Bars, context: Context, switches: Switches) -> CheckedActions:
    """Hold payments against the prices around them: the good bars of an answer, and the stored ones before it."""
    if all(one.kind == "split" for one in told):
        return CheckedActions(tuple(told))
    return _checked(list(_among_prices(told, good, context)), BY_PRICE, switches)


def _checked(told: Sequence[Placed], rules: Sequence[ActionRule], switches: Switches) -> CheckedActions:
    broken = [found for placed in told if (found := _first(placed, rules, switches)) is not None]
    held = [one.action for one in broken if one.is_held]
    return CheckedActions(tuple(one.action for one in told if one.action not in held), tuple(broken))


def _first(placed: Placed, rules: Sequence[ActionRule], switches: Switches) -> BrokenAction | None:
    for rule in rules:
        severity = switches.get(rule.name, rule.severity)
        if severity is not Severity.OFF and rule.breaks(placed):
            return BrokenAction(rule.name, rule.reason, placed.action, severity is Severity.HOLD)
    return None


def _among_prices(told: Sequence[CorporateAction], good: Bars, context: Context) -> Iterator[Placed]:
    length = context.interval.seconds if context.interval else 86_400
    # Stored prices may be from before a split that the answer has.
    tail = Tail(good.at[:0], good.close[:0]) if any(one.kind == "split" for one in told) else context.before
    at, close = np.concatenate([tail.at, good.at]), np.concatenate([tail.close, good.close])
    for one in told:
        day = first_bar(one.at, context.interval or Interval.D1, context.zone)
        last = int(np.searchsorted(at, day)) - 1
        place = int(np.searchsorted(good.at, day))
        is_there = place < len(good) and good.at[place] < day + length
        yield Placed(
            one,
            context.now,
            float(close[last]) if last >= 0 else None,
            float(min(good.open[place], good.close[place])) if is_there and length >= 86_400 else None,
            any(_are_twins(one, other) for other in told),
        )


def _are_twins(one: CorporateAction, other: CorporateAction) -> bool:
    is_near = one.kind == other.kind != "split" and timedelta(0) < abs(one.at - other.at) <= NEARBY
    return is_near and math.isclose(one.value, other.value, rel_tol=NEARLY)
