"""How fast messages move: our transport against Celery on kombu's own, in one run on one machine.

    python bench/transport.py [--messages 2000] [--rounds 3]

Each figure is the median of interleaved rounds; tasks do nothing. Absolute figures are the machine's, the ratios are ours.
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
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from uuid import uuid4

import redis
from celery import Celery
from rich.console import Console
from rich.table import Table

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.work.knocks import Knock
from stockjobs.domain.work.lanes import Lane
from stockjobs.transport import urls
from stockjobs.transport.app import TransportConfig, make_app
from stockjobs.transport.messages import COLLECT_TASK
from stockjobs.transport.publisher import Publisher

LANE = Lane.REALTIME.value
POOLS = {"prefork, 2 slots": ("prefork", 2), "threads, 8 slots": ("threads", 8), "solo": ("solo", 1)}
SIDES = ("plain", "ours")


def make(side: str, url: str) -> Celery:
    """The application of one side: Celery's defaults, or ours."""
    if side == "plain":
        made = Celery("plain", broker=url, set_as_current=False)
        made.conf.update(task_ignore_result=True, task_default_queue=LANE, broker_connection_retry_on_startup=True)
    else:
        made = make_app(TransportConfig(url, include=(), sends_task_events=False))
    made.task(name=COLLECT_TASK)(nothing)
    return made


def nothing(**_: object) -> None:
    """The task."""


def knocks(count: int) -> list[Knock]:
    """Knocks of rising rank, as work comes in."""
    return [
        Knock(uuid4(), uuid4(), 1, Lane.REALTIME, f"{number:036d}", "MARKETDATA_INCREMENTAL", "5m AAPL MSFT NVDA")
        for number in range(count)
    ]


def enqueue(side: str, url: str, count: int) -> dict[str, float]:
    """Messages a second, one by one and in bulk. Runs in a process of its own: installing our transport is for good."""
    if side == "ours":
        publisher = Publisher(url)
        publisher.publish(knocks(1))
        singly, together = knocks(count), knocks(count * 11)[count:]
        return {
            "one by one": count / seconds(lambda: [publisher.publish([knock]) for knock in singly]),
            "bulk": len(together) / seconds(lambda: publisher.publish(together)),
        }
    app = make(side, url)
    call = {"task": str(uuid4()), "attempt": 1, "lane": LANE}
    task = app.tasks[COLLECT_TASK]
    task.apply_async(kwargs=call)

    def in_batch() -> None:
        with app.producer_pool.acquire(block=True) as producer, producer.batch(max_size=1_000):
            for _ in range(count):
                task.apply_async(kwargs=call, producer=producer)

    return {
        "one by one": count / seconds(lambda: [task.apply_async(kwargs=call) for _ in range(count)]),
        "bulk": count / seconds(in_batch),
    }


def drain(side: str, url: str, client: redis.Redis, pool: tuple[str, int], count: int) -> tuple[float, float]:
    """Messages a second that a worker takes off a full lane, and its CPU microseconds for each."""
    Publisher(url).publish(knocks(count))
    with worker(side, url, pool) as process:
        wait_until(lambda: client.llen(LANE) < count)
        began, used, left = time.perf_counter(), cpu_seconds(process.pid), client.llen(LANE)
        wait_until(lambda: client.llen(LANE) == 0 and client.hlen("unacked") == 0)
        took, spent = time.perf_counter() - began, cpu_seconds(process.pid) - used
    return left / took, spent / left * 1e6


@contextmanager
def worker(side: str, url: str, pool: tuple[str, int]) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of one side."""
    options = f"worker -Q {LANE} -P {pool[0]} -c {pool[1]} -l ERROR --without-gossip --without-mingle"
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "bench.transport", *options.split()],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "BENCH_SIDE": side, "BENCH_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children; 0 where there is no /proc."""
    stats = [path.read_text().rsplit(")", 1)[1].split() for path in Path("/proc").glob("[0-9]*/stat")]
    own = Path(f"/proc/{pid}/stat")
    if own.exists():
        stats = [fields for fields in stats if int(fields[1]) == pid] + [own.read_text().rsplit(")", 1)[1].split()]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


def seconds(act: Callable[[], object]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for a condition, at most two minutes."""
    deadline = time.monotonic() + 120
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit("the worker stands still")
        time.sleep(0.005)


def measure(messages: int, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Every figure of every round: what is measured → side → values."""
    found: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="sj-") as folder, EmbeddedRedis(Path(folder)) as server:
        client = redis.Redis.from_url(urls.parse(server.url).for_redis, protocol=2)
        for _ in range(rounds):
            for side in SIDES:
                client.flushall()
                command = [sys.executable, __file__, "--enqueue", side, server.url, "--messages", str(messages)]
                told = subprocess.run(command, capture_output=True, check=True, env=environment()).stdout
                for name, value in json.loads(told).items():
                    found.setdefault(f"enqueue {name} /s", {}).setdefault(side, []).append(value)
                for name, pool in POOLS.items():
                    client.flushall()
                    rate, cpu = drain(side, server.url, client, pool, messages)
                    found.setdefault(f"drain {name} /s", {}).setdefault(side, []).append(rate)
                    found.setdefault(f"CPU µs a task, {name}", {}).setdefault(side, []).append(cpu)
        client.close()
    return found


def environment() -> dict[str, str]:
    """Lets a child find the project's packages."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--enqueue", nargs=2, metavar=("SIDE", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.enqueue:
        sys.stdout.write(json.dumps(enqueue(*given.enqueue, given.messages)))
        return
    table = Table("what", "plain Celery", "ours", "ratio")
    for name, sides in measure(given.messages, given.rounds).items():
        plain, ours = (median(sides[side]) for side in SIDES)
        table.add_row(name, f"{plain:,.0f}", f"{ours:,.0f}", f"{ours / plain:.2f}" if plain else "–")
    Console().print(table)


if "BENCH_SIDE" in os.environ:
    app = make(os.environ["BENCH_SIDE"], os.environ["BENCH_URL"])

if __name__ == "__main__":
    main()
