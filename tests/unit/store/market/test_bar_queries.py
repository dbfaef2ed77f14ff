"""What is asked of stored bars is found by their key, not by reading all of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta

import numpy as np
import pytest
from sqlalchemy import Connection, event, text

from stockjobs.domain.asking.planning import Window
from stockjobs.domain.market.bars import Identity
from stockjobs.domain.market.intervals import Interval
from stockjobs.store.database import Database
from stockjobs.store.market import actions, bars, coverage, extents, findings, gaps, holdings, instruments
from stockjobs.store.market.findings import Good
from tests.fixtures.database import NOON
from tests.fixtures.house import bars_of

FIRST = NOON - timedelta(days=400)
SYMBOLS = 30


@pytest.fixture
def crowded(database: Database) -> Database:
    """A few instruments with some thousand bars."""
    daily = bars_of(FIRST, NOON, Interval.D1)
    hourly = bars_of(NOON - timedelta(days=10), NOON, Interval.H1)
    with database.begin() as connection:
        for number in range(SYMBOLS):
            identity = Identity(f"SYM{number}", "NMS", "UTC", "USD", "EQUITY")
            known = instruments.ensure(connection, "yahoo", identity, NOON).id
            landed = [bars.Landing(known, Interval.D1, daily), bars.Landing(known, Interval.H1, hourly)]
            bars.land(connection, landed, NOON, landing=lambda: 1)
        if database.is_postgresql:
            connection.execute(text("ANALYZE bars"))
    return database


def plans(connection: Connection, ask: Callable[[Connection], object]) -> str:
    """How the database finds what is asked."""
    said: list[tuple[str, object]] = []

    def hear(_: object, cursor: object, statement: str, parameters: object, *rest: object) -> None:
        said.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", hear)
    ask(connection)
    event.remove(connection, "before_cursor_execute", hear)
    explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    lines = (connection.exec_driver_sql(f"{explain} {statement}", given) for statement, given in said)  # type: ignore[arg-type]
    return "\n".join(str(row[-1]) for rows in lines for row in rows)


def test_bars_are_found_by_their_key(crowded: Database) -> None:
    asked: list[Callable[[Connection], object]] = [
        lambda connection: instruments.newest_bar(connection, 3),
        lambda connection: holdings.stored(connection, ["SYM1", "SYM2"]),
        lambda connection: coverage.count(connection, [1, 2], Interval.D1, FIRST, NOON),
        lambda connection: extents.extents(connection, [1, 2], Interval.D1, Window(FIRST, NOON)),
        lambda connection: extents.settled(connection, [1, 2], Interval.D1, Window(FIRST, NOON)),
    ]
    with crowded.begin() as connection:
        for ask in asked:
            plan = plans(connection, ask)
            assert "Seq Scan on bars" not in plan, plan
            assert "SCAN bars" not in plan, plan
            assert "interval_s" in plan, plan


def test_the_rows_of_some_instruments_are_found_by_their_key(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    asked: dict[str, Callable[[Connection], object]] = {
        "corporate_actions": lambda connection: actions.splits(connection, [1]),
        "symbols": lambda connection: instruments.by_symbol(connection, "yahoo", ["SYM1"]),
        "gaps": lambda connection: gaps.of_symbols(connection, "yahoo", ["SYM1"], Interval.D1),
    }
    at = np.array([int(NOON.timestamp())])
    with database.begin() as connection:
        for table, ask in asked.items():
            plan = plans(connection, ask)
            assert f"SCAN {table}" not in plan, plan
        plan = plans(connection, lambda asking: findings.mend(asking, [Good(1, Interval.D1, at, UTC)], "night", NOON))
        assert "ix_findings_open" in plan, plan
        assert "ix_findings_kind" not in plan, plan
    database.dispose()


def test_what_is_stored_is_told_of_each_series(crowded: Database) -> None:
    with crowded.begin() as connection:
        every, two = holdings.stored(connection), holdings.stored(connection, ["SYM1", "SYM2"])
        newest = instruments.newest_bar(connection, 1)
    assert len(every) == 2 * SYMBOLS
    assert [(one.symbol, one.interval, one.bars) for one in two] == [
        ("SYM1", Interval.H1, 240),
        ("SYM1", Interval.D1, 400),
        ("SYM2", Interval.H1, 240),
        ("SYM2", Interval.D1, 400),
    ]
    assert {one.last for one in two if one.interval is Interval.H1} == {newest}
    assert {one.last_close for one in two} == {one.last_close for one in every}
