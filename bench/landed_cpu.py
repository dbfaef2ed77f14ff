"""CPU of one symbol from the claim to the committed bars, against `Ticker.history` and `to_sql`: ten years, and six new days.

    python -m bench.landed_cpu [--rounds 5] [--databases sqlite,postgresql]

An attempt is run as a worker's process runs it (claim, plan, budget, fetch, validate, land, end), for twenty symbols, on a
database and a Redis that are real; the other side asks for the same symbols one by one, with the session that is the cheapest
for it. What counts is the CPU time of the one process that does it, whichever threads it takes; that of the servers is left
out on both sides. Rounds take turns; figures are medians per symbol.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import yfinance
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, create_engine
from yfinance.data import YfData

from bench.collecting import BOUNDLESS, new_databases
from stockjobs.bootstrap import Container
from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.work.jobs import Manifest
from stockjobs.domain.work.knocks import Knock
from stockjobs.providers.yahoo.options import YahooOptions
from stockjobs.providers.yahoo.session import YahooSession
from stockjobs.services.collecting.conclusion import Outcome
from stockjobs.services.work.offering import Offering
from stockjobs.services.work.requests import Request
from stockjobs.settings import Settings
from stockjobs.simulator.client import SimulatorClient, running_simulator
from stockjobs.store import schema

BATCH = 20
BEGIN = datetime(2024, 1, 2, 23, 0, tzinfo=UTC)
"""A Tuesday, after the close."""


@dataclass
class Clock:
    """The time of the ledger and of the market."""

    yahoo: SimulatorClient
    now: datetime = BEGIN

    def __call__(self, connection: Connection) -> datetime:  # noqa: ARG002 - the shape of a clock
        return self.now

    def put(self, now: datetime) -> None:
        """Move both."""
        self.now = now
        self.yahoo.set_clock(now)

    def pass_weekdays(self, count: int) -> None:
        """Go on to the evening after so many weekdays, which are trading days save for holidays."""
        while count:
            self.now += timedelta(days=1)
            count -= self.now.weekday() < 5
        self.put(self.now)


@dataclass
class Ours:
    """Attempts in this process: what is offered is run at once."""

    container: Container
    outcomes: list[Outcome] = field(default_factory=list)
    used: float = 0.0

    def publish(self, knocks: Sequence[Knock]) -> None:
        """Take the place of the lanes."""
        for knock in knocks:
            began = time.process_time()
            self.outcomes.append(self.container.collect.run(knock.task_id, knock.number, knock.lane, worker="w@bench"))
            self.used += time.process_time() - began

    def run(self, name: str, symbols: Sequence[str], **spec: object) -> tuple[float, int]:
        """CPU seconds and rows of a job's run."""
        spec = {"type": "marketdata", "symbols": list(symbols), "batchSize": BATCH, **spec}
        document = {"apiVersion": "stockjobs/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
        self.container.administration.apply([Manifest.model_validate(document)], by="bench")
        self.container.requests.trigger(Request(name, "bench"))
        self.used, self.outcomes = 0.0, []
        Offering(self.container.ready_database, self, 64).offer()  # type: ignore[arg-type]
        if problem := next((outcome.error for outcome in self.outcomes if outcome.error), None):
            raise SystemExit(problem)
        return self.used, sum(outcome.landed.written for outcome in self.outcomes)


@dataclass(frozen=True)
class Theirs:
    """`Ticker.history` and `to_sql`, the zone of each ticker known."""

    url: str
    database: str

    def collector(self) -> Callable[[str, datetime, datetime], int]:
        """Downloads and stores one ticker, and tells how many rows that was."""
        session = YahooSession(YahooOptions(base_url=self.url))
        data = YfData(session=session)
        data._cookie, data._crumb = True, "crumb"
        engine = create_engine(self.database.replace("postgresql://", "postgresql+psycopg://"))

        def collect(symbol: str, start: datetime, end: datetime) -> int:
            ticker = yfinance.Ticker(symbol, session=session)
            ticker._tz = "America/New_York"
            frame = ticker.history(start=start, end=end, auto_adjust=False)
            frame.assign(Ticker=symbol).to_sql("prices", engine, if_exists="append")
            return len(frame)

        return collect

    def run(
        self, collect: Callable[[str, datetime, datetime], int], symbols: Sequence[str], start: datetime, end: datetime
    ) -> tuple[float, int]:
        """CPU seconds and rows of some tickers."""
        began = time.process_time()
        rows = sum(collect(symbol, start, end) for symbol in symbols)
        return time.process_time() - began, rows


@dataclass(frozen=True)
class Bench:
    """Both sides, on databases of one kind."""

    clock: Clock
    ours: Ours
    theirs: Theirs
    collect: Callable[[str, datetime, datetime], int]

    def ten_years(self, turn: int) -> tuple[tuple[float, int], tuple[float, int]]:
        """Symbols that are new each time."""
        symbols = [f"SIM{number:04d}" for number in range(1_000 + turn * BATCH, 1_000 + (turn + 1) * BATCH)]
        start, end = self.clock.now - timedelta(days=3_652), self.clock.now
        window = {"start": start.isoformat(), "end": end.isoformat()}
        ours = self.ours.run(f"YEARS{turn}", symbols, mode="backfill", window=window)
        return ours, self.theirs.run(self.collect, symbols, start, end)

    def six_days(self, turn: int) -> tuple[tuple[float, int], tuple[float, int]]:
        """The same symbols, six trading days later each time; the first turn fetches their last year."""
        symbols = [f"SIM{number:04d}" for number in range(1, BATCH + 1)]
        since = self.clock.now - timedelta(days=0 if turn else 365)
        if turn:
            self.clock.pass_weekdays(6)
        ours = self.ours.run("DAYS", symbols)
        return ours, self.theirs.run(self.collect, symbols, since, self.clock.now)


def measure(bench: Bench, rounds: int) -> dict[str, list[tuple[float, float, float]]]:
    """By case, for each counted round: rows of ours a symbol, CPU milliseconds of ours and of theirs a symbol."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    cases = {"10 years, daily": bench.ten_years, "6 new days": bench.six_days}
    for turn in range(rounds + 1):
        for name, case in cases.items():
            (ours, written), (theirs, _) = case(turn)
            told = f"{ours / BATCH * 1_000:.2f} ms of ours, {theirs / BATCH * 1_000:.2f} ms of theirs"
            sys.stderr.write(f"{turn or 'not counted'} {name}: {told}\n")
            if turn:
                found.setdefault(name, []).append((written / BATCH, ours / BATCH * 1_000, theirs / BATCH * 1_000))
    return found


def main() -> None:
    """Measure and print."""
    warnings.filterwarnings("ignore", "The inplace keyword", DeprecationWarning, module="yfinance")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--databases", default="sqlite,postgresql")
    given = parser.parse_args()
    # Else whatever it has started would go on when it is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    columns = ("database", "case", "rows a symbol", "ours, CPU ms a symbol", "Ticker.history + to_sql", "ours / theirs")
    table = Table(*columns)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sj-", ignore_cleanup_errors=True)))
        yahoo = stack.enter_context(running_simulator(folder))
        server = stack.enter_context(EmbeddedRedis(folder / "redis"))
        for kind in given.databases.split(","):
            create = stack.enter_context(new_databases(folder, kind))
            clock = Clock(yahoo)
            clock.put(BEGIN)
            budget = {name.removeprefix("STOCKJOBS_").lower(): int(most) for name, most in BOUNDLESS.items()}
            settings = Settings(database_url=create("ours"), redis_url=server.url, provider_url=yahoo.url, **budget)
            container = Container(settings, clock=clock)
            schema.upgrade(container.database)
            theirs = Theirs(yahoo.url, create("theirs"))
            bench = Bench(clock, Ours(container), theirs, theirs.collector())
            for case, rounds in measure(bench, given.rounds).items():
                rows, ours, others = (median(column) for column in zip(*rounds, strict=True))
                table.add_row(kind, case, f"{rows:,.0f}", f"{ours:.2f}", f"{others:.2f}", f"{ours / others:.2f}")
            container.close()
    Console(width=120, file=sys.stdout).print(table)


if __name__ == "__main__":
    main()
