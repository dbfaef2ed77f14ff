"""How a bar is made bad: the kinds of rubbish that a source may serve for a price."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stockjobs.domain.market.bars import PRICES

Chart = dict[str, Any]
"""One result of a chart document, as read from its JSON."""

_TEN_DAYS = 10 * 86_400


def flaw_bar(chart: Chart, flaw: str) -> None:
    """Spoil the middle bar of a chart (the last one for `future`); a chart without bars is left alone."""
    rows = len(chart.get("timestamp", ()))
    if rows:
        _FLAWS[flaw](chart, rows // 2)


def _high_below_low(chart: Chart, row: int) -> None:
    quote = chart["indicators"]["quote"][0]
    quote["high"][row], quote["low"][row] = quote["low"][row] * 0.99, quote["high"][row] * 1.01


def _negative(chart: Chart, row: int) -> None:
    quote = chart["indicators"]["quote"][0]
    for name in PRICES:
        quote[name][row] = -quote[name][row]


def _all_prices(value: object) -> Callable[[Chart, int], None]:
    def put(chart: Chart, row: int) -> None:
        for name in PRICES:
            chart["indicators"]["quote"][0][name][row] = value

    return put


def _duplicate(chart: Chart, row: int) -> None:
    chart["timestamp"][row] = chart["timestamp"][row - 1]


def _unsorted(chart: Chart, row: int) -> None:
    stamps = chart["timestamp"]
    stamps[row], stamps[row - 1] = stamps[row - 1], stamps[row]


def _future(chart: Chart, _row: int) -> None:
    chart["timestamp"][-1] += _TEN_DAYS


_FLAWS: dict[str, Callable[[Chart, int], None]] = {
    "high_below_low": _high_below_low,
    "negative": _negative,
    "zero": _all_prices(0.0),
    "nan": _all_prices("NaN"),
    "null": _all_prices(None),
    "duplicate": _duplicate,
    "unsorted": _unsorted,
    "future": _future,
}
