"""What it costs to find what is due: punctually, and after years without a beat.

    python bench/schedules.py

Figures are milliseconds of processor time of one call. Rules with an exchange load its calendar first, which is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median

from rich.console import Console
from rich.table import Table

from stockjobs.domain.scheduling.schedules import Due, Misfire, Schedule, due
from stockjobs.domain.work.jobs import ScheduleSpec
from stockjobs.markets.sessions import sessions

NOW = datetime(2026, 11, 24, 15, 0, 30, tzinfo=UTC)
XNYS = {"exchange": "XNYS"}
SCHEDULES: list[dict[str, object]] = [
    {"cron": "* * * * *"},
    {"cron": "* * * * *", "timeZone": "America/New_York"},
    {"cron": "30 2 * * *", "timeZone": "America/New_York"},
    {"cron": "0 0 29 2 *", "timeZone": "Europe/Berlin"},
    {"interval": "R/PT1S"},
    {"interval": "R/P1M", "timeZone": "Europe/London"},
    {"session": "@open+5m", "calendar": XNYS},
    {"cron": "*/5 * * * *", "calendar": {**XNYS, "within": "hours"}},
    {"cron": "0 18 * * *", "timeZone": "America/New_York", "calendar": {**XNYS, "otherwise": "next"}},
]


AGES = (timedelta(minutes=1), timedelta(days=1), timedelta(days=3_652))


def _milliseconds(call: Callable[[], object]) -> str:
    taken = []
    for _ in range(7):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return f"{median(taken) * 1_000:.2f}"


def _found(rule: Schedule, age: timedelta) -> Due:
    return due(rule, NOW - age, NOW, misfire=Misfire.ALL, grace=timedelta(0))


def _row(fields: dict[str, object]) -> list[str]:
    rule = ScheduleSpec.model_validate(fields).rule(sessions)
    missed = _found(rule, AGES[-1]).missed
    figures = [_milliseconds(partial(rule.after, NOW)), *(_milliseconds(partial(_found, rule, age)) for age in AGES)]
    told = f"{'' if missed.is_exact else 'at least '}{missed.count:,}" if missed else "-"
    return [" ".join(map(str, fields.values())), *figures, told]


def main() -> None:
    """Print the table."""
    table = Table("schedule", "next due", "punctual", "after a day", "after ten years", "told as missed")
    for fields in SCHEDULES:
        table.add_row(*_row(fields))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
