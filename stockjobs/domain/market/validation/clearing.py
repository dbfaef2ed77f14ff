"""One look at the bars of several answers at once, which clears most of them of every rule.

Answers are often of a few bars each, and then it takes much longer to call the rules than to compute them. What is not cleared
here is judged by the rules one by one: none may find anything in what is (see `rules`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.days import apart
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.runs import Runs
from stockjobs.domain.market.validation.context import Context, Mask, Tail
from stockjobs.domain.market.validation.grid import plainly_off
from stockjobs.domain.market.validation.hours import on_no_day
from stockjobs.domain.market.validation.path import RESTLESS
from stockjobs.domain.market.validation.shapes import latest, sound_prices


@dataclass(frozen=True, eq=False)
class Neighboured:
    """The bars of an answer, of which there must be some, between the stored ones before and after them."""

    bars: Bars
    before: Tail
    after: Tail


def cleared(answers: Sequence[Neighboured], common: Context) -> list[bool]:
    """Of each answer whether no rule holds or notes any of its bars, as far as one look tells.

    `common` is what is known around all of them: of one interval and one exchange, with the sessions around all of their bars.
    """
    if not answers or common.interval is None:
        return [False] * len(answers)
    run = Runs.of([one.bars for one in answers])
    with np.errstate(all="ignore"):
        # Prices may be anything; a comparison with what is no number does not hold.
        good = sound_prices(run.bars) & (run.bars.volume > 0) & _in_time(run, common, common.interval)
        good &= _on_grid(run, common) & _in_sessions(run, common, common.interval) & _calm(run, answers)
    return [bool(one) for one in run.all_of(good)]


def _in_time(run: Runs, common: Context, interval: Interval) -> Mask:
    """The bars that are not in the future, and well after the one before."""
    return run.are_apart(apart(interval)) & (run.bars.at <= latest(common))


def _on_grid(run: Runs, common: Context) -> Mask:
    phase, off = plainly_off(run.bars, common)
    if not off.any():
        return ~off
    # Wherever a source puts all of its bars is its grid.
    is_one = run.all_of(phase == np.repeat(phase[run.first], run.length)) & (run.length > 1)
    return ~off | np.repeat(is_one, run.length)


def _in_sessions(run: Runs, common: Context, interval: Interval) -> Mask:
    return ~on_no_day(run.bars, common, interval)


def _calm(run: Runs, answers: Sequence[Neighboured]) -> Mask:
    """The bars whose prices move little, from the one before and to what is stored after them."""
    close = run.bars.close
    before = np.empty(len(close))
    before[1:] = close[:-1]
    before[run.first] = [_last(one) for one in answers]
    onward = np.array([one.after.close[0] if len(one.after) else one.bars.close[-1] for one in answers])
    calm = _is_little(close / before) & _is_little(run.bars.high / run.bars.low)
    calm[run.last] &= _is_little(onward / close[run.last])
    return calm


def _last(answer: Neighboured) -> float:
    return float(answer.before.close[-1] if len(answer.before) else answer.bars.close[0])


def _is_little(move: NDArray[np.float64]) -> Mask:
    return np.asarray((move < RESTLESS) & (move > 1 / RESTLESS))
