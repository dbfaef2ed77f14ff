"""A file of bars as an Arrow table of the columns that are needed, read in steps so that it can be stopped."""

from __future__ import annotations

import csv as text_csv
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from stockjobs.domain.market.bars import PRICES
from stockjobs.errors import MalformedReply
from stockjobs.providers.base import Patience
from stockjobs.providers.files.columns import columns_of

_NUMBERS = frozenset((*PRICES, "volume", "dividend", "capital_gain"))


def read_table(path: Path, patience: Patience, symbol: str | None = None) -> pa.Table:
    """The rows of a file, with a column for each meaning that it has (see `columns`); of one symbol alone if it is given.

    Raises `MalformedReply` naming file, row and column, `Interrupted` when the patience is at its end.
    """
    try:
        read = _read_parquet if path.suffix.lower() == ".parquet" else _read_csv
        return read(path, patience, symbol)
    except (pa.ArrowException, OSError, UnicodeDecodeError, text_csv.Error) as error:
        raise MalformedReply(f"{path} cannot be read: {_sentence(error)}") from error


def _read_csv(path: Path, patience: Patience, symbol: str | None) -> pa.Table:
    delimiter, names, heads = _head(path)
    columns = columns_of(names, path)
    kinds = {column: pa.float64() if meaning in _NUMBERS else pa.string() for meaning, column in columns.items()}
    reader = pc_csv.open_csv(
        path,
        # In one thread an error names the row.
        read_options=pc_csv.ReadOptions(use_threads=False, column_names=names, skip_rows=heads),
        parse_options=pc_csv.ParseOptions(delimiter=delimiter),
        convert_options=pc_csv.ConvertOptions(
            column_types=kinds, include_columns=list(kinds), strings_can_be_null=True
        ),
    )
    batches = []
    for batch in reader:
        patience.remaining()
        batches.append(_of_symbol(batch, columns, symbol))
    table = pa.Table.from_batches(batches, schema=None if batches else reader.schema)
    return _by_meaning(table, columns)


def _head(path: Path) -> tuple[str, list[str], int]:
    """What stands between columns, their names, and over how many lines those go."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        first, second = file.readline(), file.readline()
    delimiter = max(",;\t|", key=first.count)
    names = next(text_csv.reader([first], delimiter=delimiter), [])
    if second.startswith("Ticker,") and names[0] == "Price":
        # As yfinance.download writes one symbol: its name, and that of the index, stand in lines of their own.
        return delimiter, ["Date", *names[1:]], 3
    return delimiter, names, 1


def _of_symbol(batch: pa.RecordBatch, columns: Mapping[str, str], symbol: str | None) -> pa.RecordBatch:
    if symbol is None or "symbol" not in columns:
        return batch
    return batch.filter(pc.equal(pc.utf8_upper(batch.column(columns["symbol"])), symbol))


def _read_parquet(path: Path, patience: Patience, symbol: str | None) -> pa.Table:
    with pq.ParquetFile(path) as file:
        columns = columns_of(file.schema_arrow.names, path)
    patience.remaining()
    is_shared = symbol is not None and "symbol" in columns
    # Groups of rows in which the symbol cannot be are not read at all.
    filters = [(columns["symbol"], "==", symbol)] if is_shared else None
    return _by_meaning(pq.read_table(path, columns=list(columns.values()), filters=filters), columns)


def _by_meaning(table: pa.Table, columns: Mapping[str, str]) -> pa.Table:
    chosen = {meaning: table.column(column) for meaning, column in columns.items()}
    return pa.table(
        {meaning: values.cast(pa.float64()) if meaning in _NUMBERS else values for meaning, values in chosen.items()}
    )


def _sentence(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return said.partition("\n")[0]
