"""The table of rules: what can be wrong with bars, splits and payments, and what is done about it unless a job says otherwise.

Most answers never come here: `clearing.cleared` looks at several at once. So it has to turn away whatever a rule about bars is to
find; its test asks for an example of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from stockjobs.domain.excerpts import shown
from stockjobs.domain.market.bars import NO_VOLUME
from stockjobs.domain.market.days import days_of
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation import actions, grid, hours, shapes
from stockjobs.domain.market.validation.actions import ActionRule
from stockjobs.domain.market.validation.context import Mask
from stockjobs.domain.market.validation.levels import UNIT_JUMP, UNSPLIT
from stockjobs.domain.market.validation.severity import Needs as Needs
from stockjobs.domain.market.validation.severity import Severity as Severity
from stockjobs.domain.market.validation.severity import Switches as Switches
from stockjobs.domain.market.validation.view import View
from stockjobs.errors import InvalidInput, Problem


@dataclass(frozen=True)
class Rule:
    """A rule by its name: what a bar is like that breaks it, which bars do, and why. A `fixed` one cannot be switched.

    `detail` is what is to be told of a broken one besides its prices; one with `is_monthly` is noted once a month and symbol.
    """

    name: str
    severity: Severity
    reason: str
    mask: Callable[[View], Mask]
    needs: Needs = Needs.NOTHING
    is_fixed: bool = False
    is_monthly: bool = False
    detail: Callable[[View, int], dict[str, Any]] = lambda view, place: {}  # noqa: ARG005 - most have none


@dataclass(frozen=True)
class Family:
    """Rules that one look at all bars can clear together."""

    rules: tuple[Rule, ...]
    is_sound: Callable[[View], bool]


_WITHOUT_VOLUME = frozenset({"CURRENCY", "INDEX", "CRYPTOCURRENCY", "FUTURE", "MUTUALFUND"})


def _no_trades(view: View) -> Mask:
    return view.none() if view.context.kind in _WITHOUT_VOLUME else view.bars.volume == 0


def _extra(view: View) -> Mask:
    return hours.extra(view.bars, view.outside, view.context.interval)


def _factor(view: View, place: int) -> dict[str, Any]:
    return {"factor": float(view.levels.factor[place])}


def _split(view: View, place: int) -> dict[str, Any]:
    """The ratio and the day of the split, and the day on which prices step by it."""
    how = view.levels.by.get(place)
    if how is None:
        return _factor(view, place)
    days = {name: at for name, at in (("split", how.ex), ("step", how.step)) if at is not None}
    return _factor(view, place) | {"ratio": round(how.ratio, 6)} | {name: _day(view, at) for name, at in days.items()}


def _day(view: View, at: int) -> str:
    return str(days_of(np.array([at]), Interval.D1, view.context.zone)[0])


SHAPES = Family(
    (
        Rule("price-missing", Severity.HOLD, "a price is missing", shapes.price_missing, is_fixed=True),
        Rule("price-not-finite", Severity.HOLD, "a price is infinite", shapes.price_not_finite, is_fixed=True),
        Rule("price-not-positive", Severity.HOLD, "a price is zero or negative", shapes.price_not_positive),
        Rule("high-below-low", Severity.HOLD, "high is below low", shapes.high_below_low),
        Rule("open-outside", Severity.HOLD, "open is outside of low and high", shapes.open_outside),
        Rule("close-outside", Severity.HOLD, "close is outside of low and high", shapes.close_outside),
        Rule("negative-volume", Severity.HOLD, "its volume is negative", shapes.negative_volume),
        Rule(
            "quoted-price",
            Severity.NOTE,
            "open or close is outside of low and high, as quotes and auctions are",
            shapes.quoted_price,
            is_monthly=True,
        ),
    ),
    shapes.have_sound_prices,
)
TIMES = Family(
    (
        Rule("future", Severity.HOLD, "its time is in the future", shapes.future),
        Rule(
            "duplicate-time",
            Severity.HOLD,
            "its time, or its day, occurs twice, with other values",
            shapes.duplicate_time,
            is_fixed=True,
        ),
    ),
    shapes.have_sound_times,
)
GRID = Family(
    (Rule("off-grid", Severity.HOLD, "its time is off the grid of its interval", grid.off_grid),), lambda _: False
)
HOURS = Family(
    (
        Rule(
            "extra-session",
            Severity.NOTE,
            "it has trades on a day without a session, as others have: the calendar may be wrong",
            _extra,
            needs=Needs.SESSIONS,
        ),
        Rule(
            "outside-session",
            Severity.HOLD,
            "its time is outside of every session",
            lambda view: view.outside & ~_extra(view),
            needs=Needs.SESSIONS,
        ),
    ),
    lambda view: not view.outside.any(),
)
LEVELS = Family(
    (
        Rule(
            UNSPLIT,
            Severity.HOLD,
            "its prices are off by the ratio of a split",
            lambda view: view.levels.unsplit,
            needs=Needs.NEIGHBOURS,
            detail=_split,
        ),
        Rule(
            UNIT_JUMP,
            Severity.HOLD,
            "its prices are 10, 100 or 1000 times too high or too low",
            lambda view: view.levels.unit,
            needs=Needs.NEIGHBOURS,
            detail=_factor,
        ),
        Rule(
            "spike",
            Severity.HOLD,
            "its prices are more than 3 times those around it, or less than a third",
            lambda view: view.levels.spike,
            needs=Needs.NEIGHBOURS,
        ),
        Rule(
            "jump",
            Severity.NOTE,
            "its price has gone up or down more than threefold without an event",
            lambda view: view.levels.jump,
            needs=Needs.NEIGHBOURS,
        ),
    ),
    lambda view: view.levels.is_calm,
)
HABITS = Family(
    (
        Rule("zero-volume", Severity.NOTE, "there are bars with volume 0", _no_trades, is_monthly=True),
        Rule(
            "unordered",
            Severity.NOTE,
            "the source gave bars out of the order of their times",
            lambda view: view.none() | bool(view.disorder),
            is_monthly=True,
        ),
    ),
    lambda view: bool(view.bars.volume.min(initial=NO_VOLUME + 2) > 0) and not view.disorder,
)

ALONE = (SHAPES, TIMES)
"""Judged first: the others look at what these leave."""
TOGETHER = (GRID, HOURS, LEVELS, HABITS)

_OF_BARS: tuple[Rule, ...] = tuple(rule for family in (*ALONE, *TOGETHER) for rule in family.rules)
RULES: Mapping[str, Rule | ActionRule] = {rule.name: rule for rule in _OF_BARS} | {
    rule.name: rule for rule in actions.RULES
}
"""All rules by name, in the order in which they are applied: those about bars, then those about splits and payments."""


def severity_of(rule: Rule | ActionRule, switches: Switches) -> Severity:
    """What is done about what breaks a rule, where a job switches some."""
    return switches.get(rule.name, rule.severity)


def known_rule(name: str, where: str) -> str:
    """The name of a rule. Raises InvalidInput for a word that is none."""
    if name not in RULES:
        raise InvalidInput.because(where, f"{shown(name)} is not a rule", "`stockctl get rules` lists them")
    return name


def check_switches(switches: Mapping[Any, object]) -> dict[str, Severity]:
    """Check the switches of a job. Raises InvalidInput with all that is wrong, each by the name under which it stands."""
    found, problems = {}, []
    for name, word in switches.items():
        try:
            rule, severity = check_switch(name, word)
            found[rule] = severity
        except InvalidInput as error:
            problems += [Problem(str(name), one.message, one.hint) for one in error.problems]
    if problems:
        raise InvalidInput(*problems)
    return found


def check_switch(name: object, word: object) -> tuple[str, Severity]:
    """Check a switch of a job. Raises InvalidInput for a rule or a word that there is none of, or a rule that has to hold."""
    if not isinstance(name, str) or name not in RULES:
        near = get_close_matches(str(name), RULES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(RULES)}"
        raise InvalidInput.because("", f"{shown(name)} is not a rule", hint)
    if not isinstance(word, str) or word not in set(Severity):
        raise InvalidInput.because("", f"{shown(word)} is not what {name} can do", f"one of {', '.join(Severity)}")
    rule = RULES[name]
    if rule.is_fixed and word != rule.severity:
        raise InvalidInput.because("", f"{name} cannot be switched: what breaks it cannot be stored", "remove the line")
    return name, Severity(word)
