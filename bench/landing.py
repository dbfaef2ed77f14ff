"""How fast bars are landed, against the ways in which others write them and against the limit.

    python -m bench.landing [--symbols 50] [--days 2513] [--rounds 5] [--databases sqlite,postgresql]

Every way writes the same bars into the same table with its primary key, in one transaction that is committed. `fresh`: the
table is empty; `equal`: the bars are there already; `1 %`: so many of them differ. The ways take turns; figures are medians
of rows per second, with the ratio of ours to each. Frames, dictionaries and tuples are ready before the clock starts; ours
starts from the columns of a provider's answer.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, insert, text

from bench.history import databases
from stockjobs.domain.market.bars import Bars
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import bars, bars_postgresql, landings
from stockjobs.store.market.bar_rows import Rows
from stockjobs.store.market.bars import Landing
from stockjobs.store.statements import upsert

DAY = 86_400
NOW = datetime(2026, 3, 4, tzinfo=UTC)
COLUMNS = ("open", "high", "low", "close", "volume", "provisional", "split_factor", "landing_id")
_NAMES = ("instrument_id", "interval_s", "at", *COLUMNS)
_MARKS = ", ".join("?" * len(_NAMES))
_EXECUTEMANY = f"INSERT INTO bars ({', '.join(_NAMES)}) VALUES ({_MARKS})"
_PREPARED_UPSERT = f"""{_EXECUTEMANY} ON CONFLICT (instrument_id, interval_s, at) DO UPDATE SET
{", ".join(f"{name} = excluded.{name}" for name in COLUMNS)}"""


@dataclass(frozen=True)
class Batch:
    """What a task brings: bars of so many symbols."""

    series: tuple[Bars, ...]

    def __len__(self) -> int:
        return sum(len(one) for one in self.series)

    @property
    def landings(self) -> list[Landing]:
        """The batch as we land it."""
        return [Landing(number, Interval.D1, one, NOW) for number, one in enumerate(self.series, 1)]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The batch as a frame, its columns those of the table."""
        return pd.concat([_frame(number, one) for number, one in enumerate(self.series, 1)], ignore_index=True)

    @cached_property
    def records(self) -> list[dict[str, object]]:
        """The batch as SQLAlchemy Core takes it."""
        return list(self.frame.to_dict("records"))  # type: ignore[arg-type]

    @cached_property
    def tuples(self) -> list[tuple[object, ...]]:
        """The batch as sqlite3 takes it."""
        return list(_tuples(self))

    def changed(self, part: float) -> Batch:
        """The batch with a part of its bars told otherwise."""
        every = round(1 / part)
        return Batch(
            tuple(
                replace(one, close=one.close * np.where(np.arange(len(one)) % every == 0, 1.001, 1.0))
                for one in self.series
            )
        )


def batch_of(symbols: int, days: int) -> Batch:
    """Daily bars that wander, in the single precision of sources."""
    return Batch(tuple(_wandering(number, days) for number in range(symbols)))


def _wandering(seed: int, days: int) -> Bars:
    at = 1_400_000_000 // DAY * DAY + np.arange(days, dtype=np.int64) * DAY
    close = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, days)))
    prices = [(close * factor).astype(np.float32).astype(np.float64) for factor in (1.001, 1.01, 0.99, 1.0)]
    return Bars(at, *prices, np.arange(days, dtype=np.int64) * 1_000, np.zeros(days, dtype=np.bool_))  # type: ignore[arg-type, call-arg]


def _frame(number: int, one: Bars) -> pd.DataFrame:
    values = {name: getattr(one, name) for name in ("open", "high", "low", "close", "volume", "provisional")}
    at = pd.to_datetime(one.at, unit="s", utc=True)
    key = {"instrument_id": number, "interval_s": DAY, "at": at}
    return pd.DataFrame({**key, **values, "split_factor": 1.0, "landing_id": 1})


Way = Callable[[Connection, Batch], object]


def ours(connection: Connection, batch: Batch) -> object:
    """As an attempt lands them."""
    return bars.land(
        connection,
        batch.landings,
        NOW,
        landing=lambda: landings.begin(connection, NOW, attempt=None, by="bench"),
    )


def binary_copy(connection: Connection, batch: Batch) -> object:
    """The limit on PostgreSQL: a binary COPY of the same columns, and nothing else."""
    series = [(number, Interval.D1, one, np.ones(len(one))) for number, one in enumerate(batch.series, 1)]
    bars_postgresql.insert(connection, Rows.of(series), 1)
    return None


def executemany(connection: Connection, batch: Batch) -> object:
    """The limit on SQLite: one prepared insert."""
    return connection.connection.cursor().executemany(_EXECUTEMANY, batch.tuples)


def prepared_upsert(connection: Connection, batch: Batch) -> object:
    """One prepared upsert on SQLite."""
    return connection.connection.cursor().executemany(_PREPARED_UPSERT, batch.tuples)


def _tuples(batch: Batch) -> Iterator[tuple[object, ...]]:
    for number, one in enumerate(batch.series, 1):
        columns = [getattr(one, name).tolist() for name in ("at", *COLUMNS[:6])]
        for row in zip(*columns, strict=True):
            yield (number, DAY, *row, 1.0, 1)


def to_sql(connection: Connection, batch: Batch) -> object:
    """pandas, appending to the table."""
    frame = batch.frame
    if connection.dialect.name == "sqlite":
        frame = frame.assign(at=frame["at"].astype("int64"))
    return frame.to_sql("bars", connection, if_exists="append", index=False)


def core_insert(connection: Connection, batch: Batch) -> object:
    """SQLAlchemy Core with rows as dictionaries."""
    return connection.execute(insert(tables.bars), batch.records)


def core_upsert(connection: Connection, batch: Batch) -> object:
    """SQLAlchemy Core's insert on conflict do update."""
    statement = upsert(connection, tables.bars)
    changed = {name: statement.excluded[name] for name in COLUMNS}
    key = [tables.bars.c.instrument_id, tables.bars.c.interval_s, tables.bars.c.at]
    rows = batch.records
    return connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)


CASES: dict[str, dict[str, tuple[tuple[str, Way], ...]]] = {
    "PostgreSQL": {
        "fresh": (
            ("ours", ours),
            ("binary COPY (the limit)", binary_copy),
            ("SQLAlchemy Core, insert", core_insert),
            ("SQLAlchemy Core, upsert", core_upsert),
            ("pandas.to_sql", to_sql),
        ),
        "equal": (("ours", ours), ("SQLAlchemy Core, upsert", core_upsert)),
        "1 %": (("ours", ours), ("SQLAlchemy Core, upsert", core_upsert)),
    },
    "SQLite": {
        "fresh": (
            ("ours", ours),
            ("sqlite3 executemany (the limit)", executemany),
            ("SQLAlchemy Core, insert", core_insert),
            ("SQLAlchemy Core, upsert", core_upsert),
            ("pandas.to_sql", to_sql),
        ),
        "equal": (
            ("ours", ours),
            ("sqlite3 executemany, upsert", prepared_upsert),
            ("SQLAlchemy Core, upsert", core_upsert),
        ),
        "1 %": (
            ("ours", ours),
            ("sqlite3 executemany, upsert", prepared_upsert),
            ("SQLAlchemy Core, upsert", core_upsert),
        ),
    },
}


def seconds(database: Database, way: Way, batch: Batch, stored: Batch | None) -> float:
    """How long a way takes to write a batch over what is stored."""
    _prepare(database, stored)
    began = time.perf_counter()
    with database.begin() as connection:
        way(connection, batch)
    return time.perf_counter() - began


def _prepare(database: Database, stored: Batch | None) -> None:
    with database.begin() as connection:
        if database.is_postgresql:
            connection.execute(text("TRUNCATE bars, bar_versions"))
        else:
            connection.execute(text("DELETE FROM bars"))
            connection.execute(text("DELETE FROM bar_versions"))
    if stored is not None:
        with database.begin() as connection:
            (binary_copy if database.is_postgresql else executemany)(connection, stored)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in ("VACUUM ANALYZE bars", "CHECKPOINT") if database.is_postgresql else ():
            connection.execute(text(statement))


def rows(kind: str, database: Database, batch: Batch, rounds: int) -> Iterator[tuple[str, str, str, str]]:
    """The rows of the table for one database."""
    for case, ways in CASES[kind].items():
        given = batch.changed(0.01) if case == "1 %" else batch
        stored = None if case == "fresh" else batch
        took: dict[str, list[float]] = {name: [] for name, _ in ways}
        for _ in range(rounds):
            for name, way in ways:
                took[name].append(seconds(database, way, given, stored))
        speed = {name: len(batch) / median(times) for name, times in took.items()}
        for name in speed:
            ratio = "" if name == "ours" else f"{speed['ours'] / speed[name]:.2f}"
            yield f"{kind}, {case}", name, f"{speed[name]:,.0f}", ratio


def main() -> None:
    """Measure, and show it as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--days", type=int, default=2_513)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--databases", default="postgresql,sqlite")
    options = parser.parse_args()
    batch = batch_of(options.symbols, options.days)
    table = Table("case", "way", "rows/s", "ours is × it", title=f"{len(batch):,} bars of {options.symbols} symbols")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sjbench"))
        for kind, url in stack.enter_context(databases(Path(folder), options.databases.split(","))).items():
            for cells in rows(kind, Database(url), batch, options.rounds):
                table.add_row(*cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
