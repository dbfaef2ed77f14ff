"""The rules about splits, dividends and capital gains: what cannot be is set aside, what is odd is noted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from stockjobs.domain.market.bars import ACTION_KINDS, Bars, CorporateAction
from stockjobs.domain.market.days import first_bar
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.shares import EARLY
from stockjobs.domain.market.validation.context import Context, Tail
from stockjobs.domain.market.validation.severity import Needs, Severity, Switches

LARGEST_RATIO = 1e6
"""No split has made so many shares of one, or one of so many."""

LARGE, UNFELT, FELT = 0.5, 0.1, 1 / 3
"""Payments of more than half of the price are rare. One of a tenth is seen in the price, which falls by a third of it or more."""

IGNORED, HARDLY = 0.2, 0.2
"""A payment of a fifth of the price of which not even a fifth is seen, on a day with trades, was not made like that."""

UNUSUAL, UNUSUAL_UNFELT = 3.0, 0.05
"""One of so many times the usual amount is held against the price where it is a twentieth of it."""

HUNDRED = 100.0
"""By so much amounts are wrong that are told in another unit: pence and pounds."""

NEXT, LEAST_USUAL = 4, 2
"""Which amount is usual tell so many other payments of the kind, those next to it, and at least so many."""

LEAST_SMALL, SMALL, SURE = 4, 0.0015, 3.0
"""So many payments, each of less than such a part of the price, tell together whether prices fell as if they were larger: by so
many times the usual error of a mean."""

NEARBY, NEARLY = timedelta(days=5), 0.1
"""Nobody pays nearly the same amount twice within so many days."""


@dataclass(frozen=True)
class Placed:
    """A split or a payment as it came, with what is known around it.

    `before` is the last close before its day, `after` the lower of open and close of that day; None where they are not known.
    `is_traded` says that there were trades on that day, `has_twin` that the answer has another payment of nearly the same amount
    nearby. `usual` is what is usually paid, `dividend` that of its day for a capital gain; `is_small_with_others` says that
    prices fell on the days of all small ones as if they were a hundred times as much.
    """

    action: CorporateAction
    now: datetime
    before: float | None = None
    after: float | None = None
    has_twin: bool = False
    is_traded: bool = True
    usual: float | None = None
    dividend: float = 0.0
    is_small_with_others: bool = False

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


def _is_ignored(placed: Placed) -> bool:
    return (
        placed.is_traded and placed.share >= IGNORED and placed.fall is not None and placed.fall < HARDLY * placed.share
    )


def _is_unfelt(placed: Placed) -> bool:
    is_unusual = placed.usual is not None and placed.action.value > UNUSUAL * placed.usual
    least = UNUSUAL_UNFELT if is_unusual else UNFELT
    return least < placed.share <= LARGE and placed.fall is not None and placed.fall < FELT * placed.share


def _is_hundredth(placed: Placed) -> bool:
    """A hundredth of what is usual, while the price fell by what a hundred times as much takes off."""
    if placed.usual is None or placed.fall is None or not placed.share:
        return False
    is_unit = abs(math.log(HUNDRED * placed.action.value / placed.usual)) < math.log(1.5)
    return is_unit and _is_felt(placed.fall, HUNDRED * placed.share)


def _is_in_dividend(placed: Placed) -> bool:
    """A capital gain that is not more than the dividend of its day, by which alone the price fell."""
    if placed.action.kind != "capital_gain" or placed.fall is None or not placed.before:
        return False
    gain, dividend = placed.share, placed.dividend / placed.before
    return gain <= dividend * (1 + NEARLY) and placed.fall < dividend + gain / 2


def _is_felt(fall: float, share: float) -> bool:
    return share / 2 <= fall <= share * 2


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
        "gain-in-dividend",
        Severity.HOLD,
        "the dividend of its day has it already: the price fell by that alone",
        _is_in_dividend,
        needs=Needs.NEIGHBOURS,
    ),
    ActionRule(
        "payment-ignored",
        Severity.HOLD,
        "it is more than a fifth of the price before it, which fell by less than a fifth of that",
        _is_ignored,
        needs=Needs.NEIGHBOURS,
    ),
    ActionRule(
        "payment-hundredth",
        Severity.HOLD,
        "it is a hundredth of those beside it, and the price fell as if it were as much as they are",
        _is_hundredth,
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
        "it is more than a tenth of the price before it, or a twentieth and far more than usual, and the price did not fall by a "
        "third of that",
        _is_unfelt,
        needs=Needs.NEIGHBOURS,
    ),
    ActionRule(
        "payment-small",
        Severity.NOTE,
        "on its day and those of the others prices fell as if they were a hundred times as much",
        lambda placed: placed.is_small_with_others,
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
    # Stored prices and amounts may be from before a split that the answer has.
    is_split = any(one.kind == "split" for one in told)
    tail = Tail(good.at[:0], good.close[:0]) if is_split else context.before
    others = [*told, *(() if is_split else context.actions)]
    at, close = np.concatenate([tail.at, good.at]), np.concatenate([tail.close, good.close])
    placed = [_placed(one, others, good, Tail(at, close), context) for one in told]
    small = _small_together(placed, good) if len(placed) >= LEAST_SMALL else frozenset()
    for number, one in enumerate(placed):
        yield replace(one, is_small_with_others=number in small)


def _placed(
    one: CorporateAction, others: Sequence[CorporateAction], good: Bars, known: Tail, context: Context
) -> Placed:
    length = context.interval.seconds if context.interval else 86_400
    day = first_bar(one.at, context.interval or Interval.D1, context.zone)
    last, place = int(np.searchsorted(known.at, day)) - 1, int(np.searchsorted(good.at, day))
    is_there = length >= 86_400 and place < len(good) and bool(good.at[place] < day + length)
    return Placed(
        one,
        context.now,
        before=float(known.close[last]) if last >= 0 else None,
        after=float(min(good.open[place], good.close[place])) if is_there else None,
        has_twin=any(_are_twins(one, other) for other in others),
        is_traded=not is_there or bool(good.volume[place] != 0),
        usual=_usual(one, others),
        dividend=max((other.value for other in others if other.kind == "dividend" and other.at == one.at), default=0.0),
    )


def _usual(one: CorporateAction, others: Sequence[CorporateAction]) -> float | None:
    """The median of the payments of its kind that are next to one, each day's once."""
    beside = {other.at: other.value for other in others if other.kind == one.kind and abs(other.at - one.at) > NEARBY}
    nearest = sorted(beside, key=lambda at: abs(at - one.at))[:NEXT]
    return float(np.median([beside[at] for at in nearest])) if len(nearest) >= LEAST_USUAL else None


def _small_together(placed: Sequence[Placed], good: Bars) -> frozenset[int]:
    """The small payments, by their numbers, if prices fell on their days as if each were a hundred times as much."""
    small = [number for number, one in enumerate(placed) if 0 < one.share < SMALL and one.fall is not None]
    if len(small) < LEAST_SMALL:
        return frozenset()
    falls = 1 - np.minimum(good.open[1:], good.close[1:]) / good.close[:-1]
    usual = float(np.median(falls))
    error = 1.4826 * float(np.median(np.abs(falls - usual))) / math.sqrt(len(small))
    fell = float(np.mean([placed[number].fall or 0.0 for number in small])) - usual
    is_felt = _is_felt(fell, HUNDRED * float(np.mean([placed[number].share for number in small])))
    return frozenset(small) if is_felt and fell > SURE * error else frozenset()


def _are_twins(one: CorporateAction, other: CorporateAction) -> bool:
    is_near = one.kind == other.kind != "split" and timedelta(0) < abs(one.at - other.at) <= NEARBY
    return is_near and math.isclose(one.value, other.value, rel_tol=NEARLY)
