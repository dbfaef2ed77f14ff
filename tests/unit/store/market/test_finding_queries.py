"""What is asked about findings is served by indexes, however many there are of others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import Connection, event, insert, text

from stockjobs.domain.market.findings import FindingFilter, FindingKind
from stockjobs.domain.market.intervals import Interval
from stockjobs.store import tables
from stockjobs.store.database import Database
from stockjobs.store.market import findings, quarantine
from stockjobs.store.market.findings import Good
from tests.fixtures.database import NOON
from tests.fixtures.market import add_instrument

MANY = 4_000


@pytest.fixture
def crowded(database: Database) -> Database:
    """A database with thousands of findings about minutes of twenty instruments, half of them open."""
    with database.begin() as connection:
        instruments = [add_instrument(connection, f"S{number}") for number in range(20)]
        of_all = {"kind": "rejected-bar", "reason": "why", "evidence": {}, "interval_s": 60}
        rows = [
            {
                **of_all,
                "id": uuid4(),
                "symbol": f"S{number % 20}",
                "instrument_id": instruments[number % 20],
                "at": NOON + timedelta(minutes=number),
                "state": ("open", "rejected")[number // 20 % 2],
                "created_at": NOON + timedelta(seconds=number),
            }
            for number in range(MANY)
        ]
        connection.execute(insert(tables.findings), rows)
    with database.begin() as connection:
        connection.execute(text("ANALYZE"))
    return database


def newest(connection: Connection) -> None:
    assert len(quarantine.listed(connection, limit=20)) == 20


def newest_of_a_symbol(connection: Connection) -> None:
    assert quarantine.listed(connection, FindingFilter(symbol="QUIET"), limit=20) == []


def newest_of_a_kind(connection: Connection) -> None:
    assert quarantine.listed(connection, FindingFilter(kinds=(FindingKind.REVISION,)), limit=20) == []


def mended(connection: Connection) -> None:
    at = [int((NOON + timedelta(minutes=minutes)).timestamp()) for minutes in (0, 20, 40)]
    assert findings.mend(connection, [Good(1, Interval.M1, np.array(at), UTC)], "test", NOON) == 2


def mended_elsewhere(connection: Connection) -> None:
    at = np.array([int(NOON.timestamp())])
    assert findings.mend(connection, [Good(1, Interval.D1, at, UTC)], "test", NOON) == 0


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (newest, "ix_findings_created_at"),
        (newest_of_a_symbol, "ix_findings_symbol_created_at"),
        (newest_of_a_kind, "ix_findings_kind_created_at"),
        (mended, "ix_findings_open"),
        (mended_elsewhere, "ix_findings_open"),
    ],
)
def test_findings_are_found_by_an_index(crowded: Database, ask: Callable[[Connection], None], index: str) -> None:
    with crowded.begin() as connection:
        assert index in plan(connection, ask)


def plan(connection: Connection, ask: Callable[[Connection], None]) -> str:
    """How the database finds what is asked first."""
    said: list[tuple[str, object]] = []

    def hear(_: object, cursor: object, statement: str, parameters: object, *rest: object) -> None:
        said.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", hear)
    ask(connection)
    event.remove(connection, "before_cursor_execute", hear)
    statement, parameters = said[0]
    explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters))  # type: ignore[arg-type]
