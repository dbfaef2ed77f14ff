"""Writing bars for programs: CSV, JSON and Parquet, batch by batch, to stdout or to a file that is there whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from stockjobs.cli.targets import DataFormat, Target
from stockjobs.errors import InvalidInput
from stockjobs.services.market.shaping import SCHEMA

_ROWS_IN_GROUP = 131_072

Batches = Iterable[pa.RecordBatch]


class Pipe:
    """A stream that only goes on, as Parquet's writer wants it: it asks where it stands, which a pipe cannot say."""

    closed = False

    def __init__(self, sink: BinaryIO) -> None:
        self._sink, self._written = sink, 0

    def write(self, data: bytes) -> int:
        """Write, and count."""
        self._sink.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        """How much was written."""
        return self._written

    def flush(self) -> None:
        """Pass on what is buffered."""
        self._sink.flush()

    def close(self) -> None:
        """Leave the stream to its owner."""


def write_csv(batches: Batches, sink: BinaryIO) -> None:
    """A line of names, then a line for each bar: times in ISO 8601 UTC, an unknown volume empty. No value needs quotes."""
    sink.write((",".join(SCHEMA.names) + "\n").encode())
    options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
    for batch in batches:
        part = pa.BufferOutputStream()
        pa_csv.write_csv(_with_texts(batch), part, options)
        sink.write(part.getvalue())


def write_json(batches: Batches, sink: BinaryIO) -> None:
    """An array of objects, each on a line of its own."""
    opening = b"[\n  "
    for batch in batches:
        rows = [orjson.dumps(row) for row in _with_texts(batch).to_pylist()]
        if rows:
            sink.write(opening + b",\n  ".join(rows))
            opening = b",\n  "
    sink.write(b"[]\n" if opening.startswith(b"[") else b"\n]\n")


def write_parquet(batches: Batches, sink: BinaryIO) -> None:
    """Row groups of about 131,072 bars, compressed with zstd."""
    with pq.ParquetWriter(pa.PythonFile(Pipe(sink), mode="w"), SCHEMA, compression="zstd") as writer:
        for group in _groups(batches):
            writer.write_table(pa.Table.from_batches(group, SCHEMA), row_group_size=_ROWS_IN_GROUP)


def _groups(batches: Batches) -> Iterator[list[pa.RecordBatch]]:
    group: list[pa.RecordBatch] = []
    for batch in batches:
        group.append(batch)
        if sum(one.num_rows for one in group) >= _ROWS_IN_GROUP:
            yield group
            group = []
    if group:
        yield group


def _with_texts(batch: pa.RecordBatch) -> pa.RecordBatch:
    at = pc.strftime(batch["at"].cast(pa.timestamp("s", tz="UTC")), "%Y-%m-%dT%H:%M:%SZ")
    named = batch.set_column(0, "symbol", batch["symbol"].dictionary_decode())
    return named.set_column(1, "at", at)


_WRITERS: dict[DataFormat, Callable[[Batches, BinaryIO], None]] = {
    DataFormat.CSV: write_csv,
    DataFormat.JSON: write_json,
    DataFormat.PARQUET: write_parquet,
}


def export(batches: Generator[pa.RecordBatch], target: Target) -> set[str]:
    """Write bars to where they are wanted; their number is shown on stderr while they pass, where that is a terminal.

    Returns the symbols of which there were any.
    """
    seen: set[str] = set()
    with closing(batches), _opened(target) as sink, _counted(batches) as passing:
        _WRITERS[target.form](_noted(passing, seen), sink)
    return seen


def _noted(batches: Batches, seen: set[str]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        symbols = batch["symbol"]
        seen.update(symbols.dictionary.take(pc.unique(symbols.indices)).to_pylist())
        yield batch


@contextmanager
def _opened(target: Target) -> Iterator[BinaryIO]:
    if target.path is not None:
        with _drafted(target) as sink:
            yield sink
        return
    if target.form is DataFormat.PARQUET and sys.stdout.isatty():
        raise InvalidInput.because("--output", "parquet is nothing for a terminal", "add --file PATH, or use a pipe")
    sys.stdout.flush()
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


@contextmanager
def _drafted(target: Target) -> Iterator[BinaryIO]:
    """A file that takes its name when it is complete."""
    path = target.path or Path()
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        with draft.open("xb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        target.check()
        draft.replace(path)
    except PermissionError as error:
        raise InvalidInput.because("--file", f"{error.filename} cannot be written", "choose another path") from error
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _counted(batches: Batches) -> Iterator[Batches]:
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} bars"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("bars", total=None)

        def passing() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                yield batch
                progress.advance(task, batch.num_rows)

        yield passing()
