"""Reading stored bars into a DataFrame and into Arrow, beside pandas.read_sql and the driver's own columnar read.

    python -m bench.reading [--symbols 500] [--years 10] [--rounds 5] [--databases sqlite,postgresql]

Each round does every deed once, so that whatever else the machine does falls on all of them. Seconds of the clock, medians; `×`
is how many times faster than pandas.read_sql with psycopg, or with sqlite3. The columnar read is ADBC's on an open connection: on
SQLite in this process, where `stockjobs.bars` asks a process of its own.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

import adbc_driver_manager as adbc
import adbc_driver_postgresql
import adbc_driver_sqlite
import pandas as pd
import psycopg
import pyarrow as pa
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bench.history import databases
from stockjobs.domain.market.reading import BarsQuery
from stockjobs.services.market.frames import frame, frame_of_many
from stockjobs.services.market.reading import Reading
from stockjobs.store.database import Database

DAYS_A_YEAR = 252
_COLUMNS = "instrument_id, at, open, high, low, close, volume, provisional"
_SERIES = {
    "postgresql": ("generate_series(0, :days - 1)", "timestamptz '2016-01-01 14:30Z' + n * interval '1 day'"),
    "sqlite": (
        "(WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < :days - 1) SELECT n FROM r)",
        "1451658600 + n * 86400",
    ),
}
Deed = Callable[[], object]


def fill(database: Database, symbols: int, days: int) -> None:
    """Daily bars of so many symbols, landed day by day, as they are when they were collected daily."""
    kind = "postgresql" if database.is_postgresql else "sqlite"
    series, at = _SERIES[kind]
    uid = "gen_random_uuid()" if database.is_postgresql else "lower(hex(randomblob(16)))"
    numbers = series.replace(":days", ":symbols")
    n = "n" if database.is_postgresql else ""
    words = {"symbols": symbols, "days": days}
    for statement in (
        f"""INSERT INTO instruments (id, uid, exchange, zone, currency, unit, kind, name, created_at)
            SELECT n + 1, {uid}, 'NMS', 'America/New_York', 'USD', 1, 'EQUITY', '', '2026-01-01 00:00:00' FROM {numbers} {n}""",
        """INSERT INTO symbols (provider, symbol, valid_from, instrument_id)
            SELECT 'yahoo', 'S' || (10000 + id), created_at, id FROM instruments""",
        f"""INSERT INTO bars (instrument_id, interval_s, at, open, high, low, close, volume, provisional, landing_id)
            SELECT id, 86400, {at}, 100 + n % 7, 101.5 + n % 7, 99 + n % 7, 100.25 + n % 7, 1000 + n, false, 1
            FROM {series} {n} CROSS JOIN instruments ORDER BY n, id""",
    ):
        with database.begin() as connection:
            used = {name: value for name, value in words.items() if f":{name}" in statement}
            connection.execute(text(statement), used)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE bars" if database.is_postgresql else "ANALYZE"))


def columnar(database: Database) -> adbc.AdbcConnection:
    """ADBC's own connection, kept open."""
    if database.is_postgresql:
        return adbc.AdbcConnection(adbc_driver_postgresql.connect(database.conninfo()))
    return adbc.AdbcConnection(adbc_driver_sqlite.connect(str(database.url.database)))


def by_columns(connection: adbc.AdbcConnection, statement: str) -> pa.Table:
    """The answer as ADBC gives it."""
    with adbc.AdbcStatement(connection) as asked:
        asked.set_sql_query(statement)
        stream, _ = asked.execute_query()
        return pa.RecordBatchReader._import_from_c(stream.address).read_all()


def by_pandas(url: str, statement: str) -> pd.DataFrame:
    """The answer as pandas reads it through the driver."""
    sqlite = url.startswith("sqlite")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///")) if sqlite else psycopg.connect(url)) as connection:
        return pd.read_sql(statement, connection)


def deeds(url: str, database: Database, reading: Reading, symbols: list[str]) -> dict[str, Deed]:
    """What is compared, for these symbols; instruments have the numbers of the symbols."""
    numbers = ", ".join(str(int(symbol[1:]) - 10_000) for symbol in symbols)
    statement = f"SELECT {_COLUMNS} FROM bars WHERE interval_s = 86400 AND instrument_id IN ({numbers})"
    query, connection = BarsQuery(tuple(symbols)), columnar(database)
    is_one = len(symbols) == 1

    def framed() -> pd.DataFrame:
        found = reading.table(query)
        return frame(found) if is_one else frame_of_many(found, query.symbols)

    return {
        "pandas.read_sql": lambda: by_pandas(url, statement),
        "ADBC to Arrow, in no order": lambda: by_columns(connection, statement),
        "ADBC to Arrow, ordered by the server": lambda: by_columns(
            connection, f"{statement} ORDER BY instrument_id, at"
        ),
        "ADBC to pandas, in no order": lambda: by_columns(connection, statement).to_pandas(),
        'stockjobs.bars(format="arrow")': lambda: reading.table(query),
        "stockjobs.bars": framed,
        "stockctl data, the stream": lambda: sum(batch.num_rows for batch in reading.stream(query)),
    }


def measure(compared: dict[str, Deed], rounds: int) -> dict[str, float]:
    """The median seconds of each."""
    times: dict[str, list[float]] = {name: [] for name in compared}
    for _ in range(rounds + 1):
        for name, deed in compared.items():
            began = time.perf_counter()
            deed()
            times[name].append(time.perf_counter() - began)
    # The first round opens connections and fills caches.
    return {name: median(found[1:]) for name, found in times.items()}


def main() -> None:
    """Measure, and show it as a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--databases", default="sqlite,postgresql")
    given = parser.parse_args()
    # It says of each connection that is not SQLAlchemy's that it was not tested with it.
    warnings.filterwarnings("ignore", message="pandas only supports SQLAlchemy", category=UserWarning)
    table = Table("database", "what", "read by", "s", "×", "against ADBC")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        databases(Path(folder), given.databases.split(",")) as urls,
    ):
        for kind, url in urls.items():
            database = Database(url)
            fill(database, given.symbols, given.years * DAYS_A_YEAR)
            reading = Reading(database)
            every = [f"S{10_001 + place}" for place in range(given.symbols)]
            for what, symbols in ((f"{given.symbols:,} symbols", every), ("one symbol", every[7:8])):
                found = measure(deeds(url, database, reading, symbols), given.rounds * (1 if len(symbols) > 1 else 10))
                slow, own = found["pandas.read_sql"], found["ADBC to Arrow, in no order"]
                for name, seconds in found.items():
                    table.add_row(kind, what, name, f"{seconds:.4f}", f"{slow / seconds:.1f}", f"{seconds / own:.2f}")
            reading.close()
            database.dispose()
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
