"""Splits in mid-collection, under load: in the end no stored bar is in other shares than the source's."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from stockjobs.domain.findings import FindingKind
from stockjobs.domain.intervals import Interval
from stockjobs.domain.states import State
from stockjobs.simulator.client import SimulatorClient
from stockjobs.store import tables
from tests.fixtures.fleet import Fleet
from tests.fixtures.redis import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

SYMBOLS = [f"SIM{number:04d}" for number in range(1, 17)]
SPLITS = dict(zip(SYMBOLS[::2], [4.0, 0.1, 3.0, 2.0] * 2, strict=True))


def test_splits_in_mid_collection_leave_no_bar_in_other_shares(fleet: Fleet, yahoo: SimulatorClient) -> None:
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
    assert _in_other_shares(fleet, yahoo) == {}
    assert _count(fleet, FindingKind.RESTATEMENT) >= len(SPLITS)


def _count(fleet: Fleet, kind: FindingKind) -> int:
    with fleet.container.database.read() as connection:
        query = select(func.count()).select_from(tables.findings).where(tables.findings.c.kind == kind.value)
        found: int = connection.execute(query).scalar_one()
        return found


def _in_other_shares(fleet: Fleet, yahoo: SimulatorClient) -> dict[tuple[str, str], int]:
    """How many stored bars of each series are not at the price that the server tells now."""
    off = {}
    for symbol in SYMBOLS:
        for interval in (Interval.D1, Interval.M15, Interval.M1):
            _, stored = fleet.container.reports.bars("yahoo", symbol, interval)
            assert len(stored) > 200
            told = _told(yahoo, symbol, interval, int(stored.at[0]), int(stored.at[-1]) + 1)
            ratio = np.array(
                [close / told.get(at, close) for at, close in zip(stored.at.tolist(), stored.close, strict=True)]
            )
            if (np.abs(ratio - 1) > 1e-5).any():
                off[symbol, interval.value] = int((np.abs(ratio - 1) > 1e-5).sum())
    return off


def _told(yahoo: SimulatorClient, symbol: str, interval: Interval, start: int, end: int) -> dict[int, float]:
    closes: dict[int, float] = {}
    step = 7 * 86_400 if interval is Interval.M1 else end - start
    for first in range(start, end, step):
        window = f"period1={first}&period2={min(first + step, end)}"
        url = f"{yahoo.url}/v8/finance/chart/{symbol}?{window}&interval={interval.value}"
        with urllib.request.urlopen(url) as answer:
            [result] = json.load(answer)["chart"]["result"]
        quote = result["indicators"]["quote"][0]
        closes |= dict(zip(result.get("timestamp", []), quote.get("close", []), strict=True))
    return closes
