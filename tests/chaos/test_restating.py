"""A worker is killed in the middle of a restatement: nothing of it stays, and the next one does it whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import distinct, func, select, text

from stockjobs.domain.market.findings import FindingKind
from stockjobs.domain.work.states import State
from stockjobs.simulator.client import SimulatorClient
from stockjobs.store import tables
from tests.fixtures.fleet import Fleet
from tests.fixtures.redis import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.timeout(180)]

PLACES = ("UPDATE ON bars", "INSERT ON corporate_actions")
"""Where a restatement is held up: with the versions kept and no price told anew, and with all told anew but the split itself."""

_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass"
_SLOW = """
CREATE TRIGGER slow BEFORE {place}
BEGIN SELECT count(*) FROM bars AS a, bars AS b, bars AS c, bars AS d, bars AS e WHERE a.at + b.at + c.at + d.at = e.at; END"""


def _stored(fleet: Fleet) -> tuple[int, int, int, float]:
    """How many bars there are, by how many landings, how many former versions, and the sum of the prices."""
    bars = tables.bars
    with fleet.container.database.read() as connection:
        query = select(func.count(), func.count(distinct(bars.c.split_factor)), func.sum(bars.c.close)).select_from(
            bars
        )
        count, factors, total = connection.execute(query).one()
        versions = connection.execute(select(func.count()).select_from(tables.bar_versions)).scalar_one()
    return count, factors, versions, round(total, 2)


@contextmanager
def _stuck_on_postgresql(fleet: Fleet, place: str) -> Iterator[Callable[[], bool]]:
    """Let nobody write to a table."""
    table = place.split()[-1]
    with fleet.container.database.engine.connect() as holding, holding.begin():
        holding.execute(text(f"LOCK TABLE {table} IN EXCLUSIVE MODE"))
        yield lambda: holding.execute(text(_WAITS.format(table=table))).scalar_one() > 0


@contextmanager
def _stuck_on_sqlite(fleet: Fleet, place: str) -> Iterator[Callable[[], bool]]:
    """Make writing take hours there; true once somebody has been writing for a second."""
    database = fleet.container.database
    with database.begin() as connection:
        connection.execute(text(_SLOW.format(place=place)))
    yield lambda: _is_being_written(str(database.engine.url.database))
    with database.begin() as connection:
        connection.execute(text("DROP TRIGGER slow"))


def _is_being_written(path: str) -> bool:
    with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


def test_a_restatement_whose_worker_is_killed_is_made_whole_by_the_next(fleet: Fleet, yahoo: SimulatorClient) -> None:
    fleet.beat()
    first = fleet.worker()
    assert fleet.collect("DAILY", symbols=["SIM0001"]).occurrence.state is State.COMPLETED
    before = _stored(fleet)
    yahoo.split("SIM0001", 4.0)
    database = fleet.container.database
    stuck = _stuck_on_postgresql if database.engine.dialect.name == "postgresql" else _stuck_on_sqlite
    with stuck(fleet, PLACES[0]) as is_stuck:
        occurrence = fleet.trigger("DAILY")
        eventually(is_stuck, within=40, tell=fleet.logs)
        first.kill()
        eventually(lambda: _stored(fleet) == before, within=60)
    for place in PLACES[1:]:
        with stuck(fleet, place) as is_stuck:
            again = fleet.worker()
            eventually(is_stuck, within=60, tell=fleet.logs)
            again.kill()
            eventually(lambda: _stored(fleet) == before, within=60)
    fleet.worker()
    assert fleet.ended(occurrence, within=90).occurrence.state is State.COMPLETED
    count, _, versions, total = _stored(fleet)
    assert (count, versions) == (before[0], before[0])
    assert total == pytest.approx(before[3] / 4, rel=1e-3)
    with database.read() as connection:
        kinds = connection.execute(select(tables.findings.c.kind)).scalars().all()
    assert kinds.count(FindingKind.RESTATEMENT.value) == 1
