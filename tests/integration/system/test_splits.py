"""Splits in mid-collection, under load: in the end no stored bar is in other shares than the source's."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.market.intervals import Interval
from stockjobs.domain.work.states import State
from stockjobs.simulator.client import SimulatorClient
from stockjobs.store import tables
from tests.fixtures.fleet import Fleet
from tests.fixtures.redis import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SYMBOLS = [f"SIM{number:04d}" for number in range(1, 9)]
SPLITS = dict(zip(SYMBOLS[::2], [10.0, 0.1, 4.0, 2.0], strict=True))
DAYS = {Interval.D1: 4 * 360, Interval.M15: 50, Interval.M1: 15}
COLUMNS = ("open", "high", "low", "close", "volume")


def test_splits_in_mid_collection_leave_every_bar_as_the_source_tells_it_now(
    fleet: Fleet, yahoo: SimulatorClient
) -> None:
    fleet.beat()
    for _ in range(2):
        fleet.worker()
    common: dict[str, Any] = {"symbols": SYMBOLS, "batchSize": 2}
    assert fleet.collect("DAILY", **common).occurrence.state is State.COMPLETED
    yahoo.fault("latency", seconds=0.1)
    fleet.define("YEARS", mode="backfill", window={"period": "P4Y"}, **common)
    fleet.define("HOURS", mode="backfill", intervals=["15m"], window={"period": "P57D"}, **common)
    fleet.define("MINUTES", mode="backfill", intervals=["1m"], window={"period": "P20D"}, **common)
    running = [fleet.trigger(name) for name in ("YEARS", "HOURS", "MINUTES", "DAILY")]
    for symbol, ratio in SPLITS.items():
        done = fleet.attempts(running[2]).count(State.COMPLETED)
        eventually(
            lambda before=done: fleet.attempts(running[2]).count(State.COMPLETED) > before,  # type: ignore[misc]
            within=60,
            tell=fleet.logs,
        )
        yahoo.split(symbol, ratio if ratio > 1 else 1.0, 1.0 if ratio > 1 else 1 / ratio)
    for occurrence in running:
        assert fleet.ended(occurrence, within=150).occurrence.state is State.COMPLETED
    yahoo.disarm()
    for name, interval in (("DAILY", "1d"), ("LATER", "15m"), ("SOON", "1m")):
        fleet.define(name, intervals=[interval], **common)
        assert fleet.ended(fleet.trigger(name)).occurrence.state is State.COMPLETED
    assert _differences(fleet, yahoo) == {}
    assert _count(fleet, FindingKind.RESTATEMENT) >= len(SPLITS)


def _count(fleet: Fleet, kind: FindingKind) -> int:
    with fleet.container.database.read() as connection:
        query = select(func.count()).select_from(tables.findings).where(tables.findings.c.kind == kind.value)
        found: int = connection.execute(query).scalar_one()
        return found


def _differences(fleet: Fleet, yahoo: SimulatorClient) -> dict[tuple[str, str, str], int]:
    """How many settled bars of each series are missing, or not as the server tells them now, by column."""
    off: dict[tuple[str, str, str], int] = {}
    midnight = int(time.time()) // 86_400 * 86_400
    for symbol in SYMBOLS:
        for interval in (Interval.D1, Interval.M15, Interval.M1):
            _, stored = fleet.container.reports.bars("yahoo", symbol, interval)
            stored = stored.where(stored.at < midnight)
            assert stored.at[0] < midnight - DAYS[interval] * 86_400
            told = _told(yahoo, symbol, interval, int(stored.at[0]), midnight)
            apart = {"at": np.setxor1d(stored.at, told[:, 0])}
            same = told[np.isin(told[:, 0], stored.at)]
            kept = stored.where(np.isin(stored.at, told[:, 0]))
            for place, name in enumerate(COLUMNS, 1):
                # Volumes were rounded by the source before they were told in new shares, and after.
                by = (2e-3, 10) if name == "volume" else (2.0**-22, 0)
                is_close = np.isclose(getattr(kept, name), same[:, place], rtol=by[0], atol=by[1])
                apart[name] = np.flatnonzero(~is_close)
            off |= {(symbol, interval.value, name): len(found) for name, found in apart.items() if len(found)}
    return off


def _told(yahoo: SimulatorClient, symbol: str, interval: Interval, start: int, end: int) -> np.ndarray:
    """Rows of time, open, high, low, close and volume, oldest first."""
    rows: list[tuple[float, ...]] = []
    step = 7 * 86_400 if interval is Interval.M1 else end - start
    for first in range(start, end, step):
        window = f"period1={first}&period2={min(first + step, end)}"
        url = f"{yahoo.url}/v8/finance/chart/{symbol}?{window}&interval={interval.value}"
        with urllib.request.urlopen(url) as answer:
            [result] = json.load(answer)["chart"]["result"]
        quote = result["indicators"]["quote"][0]
        columns = [quote.get(name, []) for name in COLUMNS]
        rows += [row for row in zip(result.get("timestamp", []), *columns, strict=True) if row[4] is not None]
    return np.array(sorted(set(rows)), dtype=np.float64)
