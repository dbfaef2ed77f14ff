"""What a request pays for the fleet's budget: no gate, no budget, few places (fewer than 50 a second), and plenty.

Run it with `python bench/budget.py`. It starts a Redis of its own. What is measured is the time of a thread that enters and
leaves, beside the plain round trips to the same Redis that it is made of.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from stockjobs.daemon.redis import EmbeddedRedis
from stockjobs.domain.asking.budgets import NO_BUDGET, Budget
from stockjobs.domain.work.lanes import Lane
from stockjobs.providers.base import OPEN_GATE, Gate, Patience
from stockjobs.services.collecting.gates import Gates
from stockjobs.transport.budget import Budgets, Place

ROUNDS, REQUESTS = 7, 500
PLENTY = Budget(per_second=100_000, per_minute=1_000_000, per_hour=10_000_000)
FEW, FEW_REQUESTS = Budget(per_second=49, per_minute=1_000_000, per_hour=10_000_000), 20
"""So few of a second's places that nobody ever waits: then another egress has its turn."""


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory(prefix="sj-") as folder, EmbeddedRedis(Path(folder)) as server:
        budgets = Budgets(server.url)
        cases: dict[str, Callable[[], None]] = {
            "open gate": _passing(OPEN_GATE),
            "no budget": _passing(_gate(budgets, NO_BUDGET)),
            "few places": _passing_few(budgets),
            "plenty": _passing(_gate(budgets, PLENTY)),
            "two pings": lambda: _ping(budgets),
        }
        table = Table("way", "µs a request", "/ two pings", "µs of CPU")
        spent = _measured(cases)
        base = spent["two pings"][0]
        for name, (seconds, cpu) in spent.items():
            table.add_row(name, f"{seconds * 1e6:.1f}", f"{seconds / base:.2f}", f"{cpu * 1e6:.1f}")
        Console(width=80, file=sys.stdout).print(table)
        budgets.close()


def _gate(budgets: Budgets, budget: Budget, number: int = 0) -> Gate:
    place = Place("bench", f"e{budget.per_second}-{number}", budget, 0.3, timedelta(seconds=20))
    return Gates(budgets, place).gate(uuid4(), Lane.HISTORICAL, lambda _: None)


def _passing(gate: Gate) -> Callable[[], None]:
    patience = Patience(time.monotonic() + 3_600, gate=gate)

    def run() -> None:
        with patience.request():
            pass

    return run


def _passing_few(budgets: Budgets) -> Callable[[], None]:
    gates = [_gate(budgets, FEW, number) for number in range((ROUNDS + 1) * REQUESTS // FEW_REQUESTS)]
    passing = [_passing(gate) for gate in gates for _ in range(FEW_REQUESTS)]

    def run() -> None:
        passing.pop()()

    return run


def _ping(budgets: Budgets) -> None:
    for _ in range(2):
        budgets.ping()


def _measured(cases: dict[str, Callable[[], None]]) -> dict[str, tuple[float, float]]:
    """The median seconds a request, by the clock and of our CPU, of rounds that take turns, after one that warms all up."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for _ in range(ROUNDS + 1):
        for name, run in cases.items():
            began = time.perf_counter(), time.process_time()
            for _ in range(REQUESTS):
                run()
            ended = time.perf_counter(), time.process_time()
            spent[name].append(((ended[0] - began[0]) / REQUESTS, (ended[1] - began[1]) / REQUESTS))
    return {name: (median(one[0] for one in got[1:]), median(one[1] for one in got[1:])) for name, got in spent.items()}


if __name__ == "__main__":
    main()
