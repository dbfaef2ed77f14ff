"""Stored bars, as a DataFrame or an Arrow table."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Literal, overload

from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.market.reading import Adjusted, BarsQuery
from stockjobs.errors import InvalidInput
from stockjobs.face import process
from stockjobs.face.values import When, instant, names_of, one_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_FORMATS = ("pandas", "arrow")


@overload
def bars(
    symbols: str | Sequence[str],
    interval: str = "1d",
    start: When | None = None,
    end: When | None = None,
    *,
    adjusted: str = "splits",
    as_of: When | None = None,
    provider: str = "yahoo",
    format: Literal["pandas"] = "pandas",
) -> pd.DataFrame: ...


@overload
def bars(
    symbols: str | Sequence[str],
    interval: str = "1d",
    start: When | None = None,
    end: When | None = None,
    *,
    adjusted: str = "splits",
    as_of: When | None = None,
    provider: str = "yahoo",
    format: Literal["arrow"],
) -> pa.Table: ...


def bars(
    symbols: str | Sequence[str],
    interval: str = "1d",
    start: When | None = None,
    end: When | None = None,
    *,
    adjusted: str = "splits",
    as_of: When | None = None,
    provider: str = "yahoo",
    format: str = "pandas",
) -> pd.DataFrame | pa.Table:
    """Stored bars with start ≤ at < end as a DataFrame, or as an Arrow table with `format="arrow"`.

    The index is `at`, the open of each bar in UTC; for a list of symbols it is (symbol, at). Columns: open, high, low, close in
    the instrument's currency and unit; volume (NaN where the source gave none); provisional, True where the source may still
    change the bar. `adjusted` is `splits`, as the source gives them; `all`, for what was paid out too; or `none`, as traded.
    `as_of` gives the bars as they were known, and settled, at a moment. Raises NotFound for a symbol that nothing is stored for.
    """
    if format not in _FORMATS:
        raise InvalidInput.because("format", f"{format!r} is not one of {', '.join(_FORMATS)}")
    names = names_of(symbols)
    window = (instant(start, "start"), instant(end, "end"))
    shares, at = one_of(Adjusted, adjusted, "adjusted"), one_of(Interval, interval, "interval")
    query = BarsQuery(names, at, *window, shares, instant(as_of, "as_of"), provider)
    found = process.container().reading.table(query, lambda one: warnings.warn(str(one), stacklevel=4))
    if query.as_of:
        _warn_of_unknown(query, found)
    if format == "arrow":
        return found
    # Only those who want one pay for pandas.
    frames = import_module("stockjobs.services.market.frames")
    made: pd.DataFrame = frames.frame(found) if isinstance(symbols, str) else frames.frame_of_many(found, names)
    return made


def _warn_of_unknown(query: BarsQuery, found: pa.Table) -> None:
    """Tell of symbols of which nothing was known yet at the moment that is asked about."""
    there = {*found["symbol"].unique().to_pylist()}
    without = [symbol for symbol in query.symbols if symbol not in there]
    for why in process.container().reading.unknown_then(query, without):
        warnings.warn(why, stacklevel=3)
