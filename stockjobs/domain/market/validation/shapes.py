"""Rules about one bar alone: its prices, its volume, its time."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from stockjobs.domain.market.bars import NO_VOLUME, Bars, Prices
from stockjobs.domain.market.validation.context import Context, Mask
from stockjobs.domain.market.validation.view import View

AHEAD = timedelta(minutes=5)
"""How far a bar may lie in the future before it is impossible: clocks differ."""

_LITTLE, _FAR = 0.01, 0.25
"""By so little of its price an auction is outside of what else was traded; so far from the trades no quote stands."""

# Prices are float32 at the source; widened to double, a close may exceed the high by its last bit.
_TOLERANCE = 1e-6


def have_sound_prices(view: View) -> bool:
    """True if no bar breaks a rule about its prices or its volume, found in one go."""
    return bool(sound_prices(view.bars).all())


def sound_prices(bars: Bars) -> Mask:
    """The bars that break no rule about their prices or their volume."""
    high, low = bars.high, bars.low
    highest, lowest = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    slack = high * _TOLERANCE
    # No comparison with what is no number holds.
    fits = (lowest > 0) & (low > 0) & (highest < np.inf) & (high < np.inf)
    fits &= (highest <= high + slack) & (lowest >= low - slack) & (low <= high + slack)
    return np.asarray(fits & (bars.volume >= NO_VOLUME))


def have_sound_times(view: View) -> bool:
    """True if no bar breaks a rule about its time alone."""
    return bool(view.bars.at[-1] <= latest(view.context) and not view.repeats.any())


def price_missing(view: View) -> Mask:
    """A price is no number."""
    return np.asarray(np.isnan(view.prices).any(axis=0))


def price_not_finite(view: View) -> Mask:
    """A price is infinite."""
    return np.asarray(np.isinf(view.prices).any(axis=0))


def price_not_positive(view: View) -> Mask:
    """A price is zero or less."""
    return np.asarray((view.prices <= 0).any(axis=0))


def high_below_low(view: View) -> Mask:
    """The high is less than the low."""
    _, high, low, _ = view.prices
    return np.asarray(high < low - _slack(high))


def open_outside(view: View) -> Mask:
    """The open is above the high or below the low, and no quote."""
    return _outside(view, view.bars.open) & ~_is_quote(view, view.bars.open)


def close_outside(view: View) -> Mask:
    """The close is above the high or below the low, and no quote."""
    return _outside(view, view.bars.close) & ~_is_quote(view, view.bars.close)


def quoted_price(view: View) -> Mask:
    """Open or close is outside of high and low, as auctions and quotes are."""
    found = [_outside(view, price) & _is_quote(view, price) for price in (view.bars.open, view.bars.close)]
    return np.asarray(found[0] | found[1])


def negative_volume(view: View) -> Mask:
    """The volume is negative, and not the sign for none."""
    return view.bars.volume < NO_VOLUME


def future(view: View) -> Mask:
    """The time has not come yet."""
    return view.bars.at > latest(view.context)


def duplicate_time(view: View) -> Mask:
    """Several bars, which differ, have one time, or one day, week or month where such bars are asked for."""
    mask = view.repeats.copy()
    mask[:-1] |= view.repeats[1:]
    return mask


def _outside(view: View, price: Prices) -> Mask:
    _, high, low, _ = view.prices
    slack = _slack(high)
    return np.asarray((price > high + slack) | (price < low - slack))


def _is_quote(view: View, price: Prices) -> Mask:
    """The prices of whole days that are a little outside of high and low, or as the close before was: not those of a trade."""
    _, high, low, _ = view.prices
    interval = view.context.interval
    if interval is None or interval.is_intraday:
        return view.none()
    apart = np.maximum(price / high - 1, 1 - price / low)
    before = np.concatenate((view.context.before.close[-1:] if len(view.context.before) else [np.nan], view.bars.close))
    is_unchanged = np.abs(price / before[:-1] - 1) <= _TOLERANCE
    return np.asarray((apart <= _LITTLE) | (is_unchanged & (apart <= _FAR)))


def _slack(high: Prices) -> Prices:
    return np.abs(high) * _TOLERANCE


def latest(context: Context) -> int:
    """The last second at which a bar may begin."""
    return int((context.now + AHEAD).timestamp())
