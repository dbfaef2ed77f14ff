"""From rows as they are stored to columns as people read them: symbols, times, adjusted prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stockjobs.domain.market.bars import PRICES, Prices, Seconds
from stockjobs.domain.market.reading import Factors

SCHEMA = pa.schema(
    [
        pa.field("symbol", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in PRICES),
        pa.field("volume", pa.int64()),
        pa.field("provisional", pa.bool_(), nullable=False),
    ]
)
"""What readers get: `at` is the open of the bar, `volume` null where the source gave none."""

_MICROSECONDS = 1_000_000
Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Names:
    """The symbols that were asked for, in that order, and whose rows are at hand: instruments by their place among them."""

    symbols: Sequence[str]
    instruments: Mapping[int, int]
    factors: Mapping[int, Factors] = field(default_factory=dict)
    """By place, of those whose prices are adjusted for what was paid out."""

    def places(self, instruments: NDArray[np.int64]) -> Codes:
        """The place of each row's instrument among the symbols."""
        numbers = np.fromiter(self.instruments.values(), dtype=np.int64)
        places = np.fromiter(self.instruments, dtype=np.int32)
        order = np.argsort(numbers)
        found: Codes = places[order][np.searchsorted(numbers[order], instruments)]
        return found


def shape(rows: pa.Table, names: Names, *, is_ordered: bool) -> pa.Table:
    """Rows as `store.reading` gives them, as a table of `SCHEMA`: in the order of the symbols, then of time."""
    places = names.places(rows["instrument_id"].to_numpy().astype(np.int64, copy=False))
    seconds = _seconds(rows["at"])
    if not is_ordered and (order := _order(places, seconds)) is not None:
        rows, places, seconds = rows.take(pa.array(order)), places[order], seconds[order]
    symbol = pa.DictionaryArray.from_arrays(pa.array(places), pa.array(names.symbols, pa.string()))
    at = pa.array(seconds * _MICROSECONDS).cast(SCHEMA.field("at").type)
    prices, volume = _as_traded(rows) if "split_factor" in rows.column_names else (rows.select(PRICES), rows["volume"])
    if names.factors:
        by = pa.array(_factors(places, seconds, names.factors))
        prices = pa.table([pc.multiply(column, by) for column in prices.columns], names=list(PRICES))
    columns = [symbol, at, *prices.columns, volume.cast(pa.int64()), rows["provisional"].cast(pa.bool_())]
    return pa.table(columns, schema=SCHEMA)


def _seconds(at: pa.ChunkedArray) -> Seconds:
    """Epoch seconds: SQLite stores them, PostgreSQL counts in microseconds."""
    plain: Seconds = at.cast(pa.int64()).to_numpy()
    return plain // _MICROSECONDS if pa.types.is_timestamp(at.type) else plain


def _order(places: Codes, seconds: Seconds) -> NDArray[np.intp] | None:
    """The rows in order; None where they are already."""
    if not len(places):
        return None
    first = seconds.min()
    key = places.astype(np.int64) * int(seconds.max() - first + 1) + (seconds - first)
    # Rows lie in runs, as they landed, so a sort that looks for runs has little to do.
    return None if (key[1:] > key[:-1]).all() else np.argsort(key, kind="stable")


def _as_traded(rows: pa.Table) -> tuple[pa.Table, pa.ChunkedArray]:
    """Prices and volumes without the splits that came later."""
    by = rows["split_factor"]
    prices = pa.table([pc.multiply(rows[name], by) for name in PRICES], names=list(PRICES))
    return prices, pc.round(pc.divide(rows["volume"].cast(pa.float64()), by))


def _factors(places: Codes, seconds: Seconds, by_place: Mapping[int, Factors]) -> Prices:
    found = np.ones(len(places))
    # Rows are in the order of the symbols, so those of one lie together.
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(places)], strict=True):
        if (factors := by_place.get(int(places[start]))) is not None:
            found[start:end] = factors.at(seconds[start:end])
    return found
