"""Tables of bars as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray


def frame(bars: pa.Table) -> pd.DataFrame:
    """The bars of one symbol, by `at`: a table of `shaping.SCHEMA` without its symbols."""
    found = _values(bars)
    found.index = _times(bars)
    return found


def frame_of_many(bars: pa.Table, symbols: Sequence[str]) -> pd.DataFrame:
    """Bars by (symbol, at), in the order of the table, which is that of the symbols."""
    found = _values(bars)
    places, times = pd.factorize(_times(bars), sort=True)
    # The stubs know lists of strings alone. Built of numbers, as a name for each row would cost more than all the rest.
    names: Any = list(symbols)
    levels: Any = [pd.Index(names, dtype="str"), pd.DatetimeIndex(times)]
    codes: Any = [_codes(bars), places]
    found.index = pd.MultiIndex(levels=levels, codes=codes, names=["symbol", "at"], verify_integrity=False)
    return found


def _codes(bars: pa.Table) -> NDArray[np.int32]:
    chunks = [chunk.indices.to_numpy() for chunk in bars["symbol"].chunks]
    return np.concatenate([np.empty(0, dtype=np.int32), *chunks])


def _times(bars: pa.Table) -> pd.DatetimeIndex:
    plain = bars["at"].cast(pa.int64()).to_numpy().view("M8[us]")
    return pd.DatetimeIndex(plain, name="at").tz_localize("UTC")


def _values(bars: pa.Table) -> pd.DataFrame:
    found: pd.DataFrame = bars.drop_columns(["symbol", "at"]).to_pandas()
    return found
