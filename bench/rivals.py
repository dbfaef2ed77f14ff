"""What others would write to collect daily bars: a script round `yf.download`, and a Celery task for each ticker.

    python -m bench.rivals SYMBOLS START END DATABASE     # a script that downloads all at once and stores it with to_sql
    celery -A bench.rivals worker                         # a task for each ticker: Ticker.history and to_sql

The worker finds its broker and its database in BENCH_REDIS and BENCH_DATABASE. Both are written as their documentation shows,
with what it takes to make them work: on SQLite they wait for each other instead of failing.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from functools import cache

import pandas as pd
import yfinance
from celery import Celery, group
from sqlalchemy import Engine, create_engine

warnings.filterwarnings("ignore", "The inplace keyword", DeprecationWarning, module="yfinance")
app = Celery("rivals", broker=os.environ.get("BENCH_REDIS", ""), backend=os.environ.get("BENCH_BACKEND", ""))
app.conf.broker_connection_retry_on_startup = True


@cache
def engine(url: str) -> Engine:
    """The engine of this process."""
    arguments = {"timeout": 120} if url.startswith("sqlite") else {}
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"), connect_args=arguments)


def download(symbols: list[str], start: str, end: str, database: str) -> None:
    """The script: everything at once into one wide frame, made long, and stored."""
    wide = yfinance.download(symbols, start, end, threads=True, auto_adjust=False, progress=False)
    long = wide.stack(level="Ticker", future_stack=True).dropna(subset=["Close"]).reset_index()
    long.to_sql("prices", engine(database), if_exists="append", index=False)


def history(symbol: str, start: str, end: str) -> pd.DataFrame:
    """One ticker's bars, ready for `to_sql`."""
    return yfinance.Ticker(symbol).history(start=start, end=end, auto_adjust=False).assign(Ticker=symbol)


@app.task(name="collect")
def collect(symbol: str, start: str, end: str) -> None:
    """The task of one ticker."""
    history(symbol, start, end).to_sql("prices", engine(os.environ["BENCH_DATABASE"]), if_exists="append")


def collect_all(symbols: list[str], start: str, end: str) -> None:
    """Send a task for each ticker, and wait for all."""
    tasks = group(collect.s(symbol, start, end) for symbol in symbols)
    tasks.apply_async().get(interval=0.05, timeout=1_200)


def main() -> None:
    """Run the script or send the tasks, and print the seconds that it took; what is imported is imported before."""
    way, symbols, start, end, database = sys.argv[1:]
    asked = symbols.split(",")
    if way == "script":
        yfinance.download(asked[:2], start, end, threads=True, auto_adjust=False, progress=False)
    began, used = time.perf_counter(), time.process_time()
    if way == "script":
        download(asked, start, end, database)
    else:
        collect_all(asked, start, end)
    json.dump({"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}, sys.stdout)


if __name__ == "__main__":
    main()
