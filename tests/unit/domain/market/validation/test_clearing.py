"""Clearing: one look at several answers clears those of which no rule has anything to say, and never another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockjobs.domain.market.bars import Bars, CorporateAction
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.validation import NO_TAIL, Context, Tail, validate
from stockjobs.domain.market.validation.clearing import Neighboured, cleared
from stockjobs.domain.market.validation.rules import ALONE, TOGETHER
from tests.unit.domain.market.validation.series import NEW_YORK, NOW, bars_at, opens, spans, tail

SESSIONS = spans("XNYS", date(2026, 2, 2), date(2026, 3, 2))
INTERVALS = (Interval.D1, Interval.H1, Interval.W1)
PRICES = ("open", "high", "low", "close")


def context(interval: Interval, *, has_sessions: bool = True) -> Context:
    return Context(NOW, interval, NEW_YORK, SESSIONS if has_sessions else None)


def answer(interval: Interval, first: int = 8, length: int = 6) -> Neighboured:
    """Good bars between stored ones."""
    step = 5 if interval is Interval.W1 else 1
    whole = bars_at(opens(SESSIONS, interval)[::step])
    first, length = (first, length) if len(whole) > first + length + 1 else (1, 2)
    came = whole.where(np.arange(first, first + length))
    after = whole.where(np.arange(first + length, len(whole)))
    return Neighboured(came, tail(whole.where(np.arange(first))), Tail(after.at[:2], after.close[:2]))


def is_silent(one: Neighboured, common: Context) -> bool:
    """True if no rule has anything to say, each looking at the answer alone."""
    checked = validate(one.bars, replace(common, before=one.before, after=one.after))
    return not checked.rejected and not checked.noted and checked.good is one.bars


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("has_sessions", [True, False])
def test_good_answers_are_cleared_together(interval: Interval, has_sessions: bool) -> None:
    common = context(interval, has_sessions=has_sessions)
    answers = [answer(interval), replace(answer(interval), before=NO_TAIL, after=NO_TAIL), answer(interval, 2, 3)]
    assert cleared(answers, common) == [True, True, True]
    assert all(is_silent(one, common) for one in answers)


def changed(bars: Bars, column: str, place: int, value: float) -> Bars:
    values = getattr(bars, column).copy()
    values[place] = value
    return replace(bars, **{column: values})


CHANGES = {
    "a high below the low": lambda bars: changed(bars, "high", 2, 1.0),
    "a price that is missing": lambda bars: changed(bars, "close", 5, np.nan),
    "an infinite price": lambda bars: changed(bars, "open", 0, np.inf),
    "a negative price": lambda bars: changed(bars, "low", 0, -1.0),
    "no volume": lambda bars: changed(bars, "volume", 3, 0),
    "a negative volume": lambda bars: changed(bars, "volume", 3, -2),
    "a time in the future": lambda bars: changed(bars, "at", 5, NOW.timestamp() + 86_400),
    "a time twice": lambda bars: changed(bars, "at", 3, bars.at[2]),
    "a day twice": lambda bars: changed(bars, "at", 3, bars.at[2] + 3_600),
    "another order": lambda bars: bars.where(np.array([0, 2, 1, 3, 4, 5])),
    "a day without a session": lambda bars: changed(
        bars, "at", 5, bars.at[5] + (5 - (bars.at[5] // 86_400 + 3) % 7) * 86_400
    ),
    "a move": lambda bars: bars_at(bars.at.tolist(), [100.0, 100.0, 100.0, 150.0, 150.0, 150.0]),
    "a move from what is stored before": lambda bars: bars_at(bars.at.tolist(), [150.0] * 6),
    "a bar off the grid": lambda bars: changed(bars, "at", 5, bars.at[5] + 17),
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_answer_is_not_cleared_of(what: str) -> None:
    odd, common = replace(answer(Interval.D1), bars=CHANGES[what](answer(Interval.D1).bars)), context(Interval.D1)
    assert cleared([answer(Interval.D1), odd, answer(Interval.D1)], common) == [True, False, True]


def prices_times(bars: Bars, factor: float, *places: int) -> Bars:
    times = np.ones(len(bars))
    times[list(places)] = factor
    return replace(bars, **{name: getattr(bars, name) * times for name in PRICES})


def on_weekend(at: int) -> list[int]:
    """The same time of the Saturday and the Sunday of its week."""
    saturday = at + (5 - (at // 86_400 + 3) % 7) * 86_400
    return [saturday, saturday + 86_400]


SPLIT = CorporateAction("split", datetime.fromtimestamp(int(answer(Interval.D1).bars.at[3]), UTC), 4.0)
BREAKS = {
    "price-missing": CHANGES["a price that is missing"],
    "price-not-finite": CHANGES["an infinite price"],
    "price-not-positive": CHANGES["a negative price"],
    "high-below-low": CHANGES["a high below the low"],
    "open-outside": lambda bars: changed(bars, "open", 2, 200.0),
    "close-outside": lambda bars: changed(bars, "close", 2, 200.0),
    "negative-volume": CHANGES["a negative volume"],
    "quoted-price": lambda bars: changed(bars, "open", 2, bars.high[2] * 1.002),
    "future": CHANGES["a time in the future"],
    "duplicate-time": lambda bars: changed(changed(bars, "at", 3, bars.at[2]), "close", 3, bars.close[3] * 1.001),
    "off-grid": CHANGES["a bar off the grid"],
    "extra-session": lambda bars: replace(
        bars, at=np.append(bars.at[:-2], on_weekend(bars.at[-1])), volume=bars.volume + np.arange(len(bars))
    ),
    "outside-session": lambda bars: changed(CHANGES["a day without a session"](bars), "volume", 5, 0),
    "unsplit": lambda bars: prices_times(bars, 4.0, 3),
    "unit-jump": lambda bars: prices_times(bars, 100.0, 2),
    "spike": lambda bars: prices_times(bars, 5.0, 2),
    "jump": lambda bars: prices_times(bars, 5.0, *range(2, len(bars))),
    "zero-volume": CHANGES["no volume"],
    "unordered": CHANGES["another order"],
}
"""What breaks each rule about bars."""


@pytest.mark.parametrize("rule", [rule.name for family in (*ALONE, *TOGETHER) for rule in family.rules])
def test_no_answer_is_cleared_that_breaks(rule: str) -> None:
    common, good = context(Interval.D1), answer(Interval.D1)
    odd = replace(good, bars=BREAKS[rule](good.bars), after=NO_TAIL)
    known = replace(common, before=odd.before, actions=(SPLIT,) if rule == "unsplit" else ())
    checked = validate(odd.bars, known)
    assert rule in {one.rule for one in (*checked.rejected, *checked.noted)}
    assert cleared([good, odd, good], common) == [True, False, True]


def test_an_answer_is_not_cleared_of_a_move_to_what_is_stored_after_it() -> None:
    one = answer(Interval.D1)
    odd = replace(one, after=Tail(one.after.at, one.after.close * 2))
    assert cleared([one, odd], context(Interval.D1)) == [True, False]


CHANGE = st.tuples(
    st.sampled_from([*PRICES, "at", "volume"]),
    st.integers(0, 5),
    st.sampled_from([0.0, -1.0, np.nan, np.inf, 0.5, 1 / 1.3, 1 - 1e-7, 1 + 1e-7, 1.001, 1.003, 1.3, 1.36, 2.0, 100.0]),
    st.sampled_from([-86_400, -3_600, -1_800, -60, -1, 0, 1, 60, 1_800, 3_600, 43_200, 86_400, 172_800]),
)


@given(
    interval=st.sampled_from(INTERVALS),
    has_sessions=st.booleans(),
    changes=st.lists(st.lists(CHANGE, max_size=2), min_size=1, max_size=4),
    provisional=st.booleans(),
)
def test_no_rule_finds_anything_in_what_was_cleared(
    interval: Interval, has_sessions: bool, changes: list[list[tuple[str, int, float, int]]], provisional: bool
) -> None:
    common = context(interval, has_sessions=has_sessions)
    answers = []
    for each in changes:
        one = answer(interval)
        bars = changed(one.bars, "provisional", -1, provisional)
        for column, number, factor, seconds in each:
            place = number % len(bars)
            value = getattr(bars, column)[place]
            if column in PRICES:
                bars = changed(bars, column, place, float(value) * factor)
            else:
                bars = changed(bars, column, place, value + seconds)
        answers.append(replace(one, bars=bars))
    for one, is_clear in zip(answers, cleared(answers, common), strict=True):
        assert not is_clear or is_silent(one, common)
