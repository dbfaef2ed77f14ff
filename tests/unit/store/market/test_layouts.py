"""Moving the bars into another layout."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select, text

from stockjobs.domain.market.layouts import Layout
from stockjobs.domain.market.reading import BarsQuery
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import Conflict, InvalidInput
from stockjobs.services.market.layouts import Layouts
from stockjobs.services.market.reading import Reading
from stockjobs.store import tables
from stockjobs.store.database import Database
from tests.fixtures import market
from tests.fixtures.database import NOON, ManualClock
from tests.fixtures.house import House

YEARS = (1990, 2000, 2024, 2026)


@pytest.fixture
def server(postgresql_url: str, clock: ManualClock) -> Iterator[Database]:
    """A database with a bar in each of some years."""
    found = Database(postgresql_url, clock=clock)
    with found.begin() as connection:
        number = market.add_instrument(connection, "AAPL")
        days = [datetime(year, 1, 1, tzinfo=UTC) for year in YEARS]
        market.add_bars(connection, number, [market.bar(at, 100.0 + place) for place, at in enumerate(days)])
    yield found
    found.dispose()


def rows(database: Database) -> list[tuple[object, ...]]:
    with database.read() as connection:
        stored = connection.execute(select(tables.bars).order_by(*tables.bars.primary_key)).all()
        shown = connection.execute(text("SELECT symbol, at, close FROM symbol_bars ORDER BY at")).all()
    return [tuple(row) for row in (*stored, *shown)]


@pytest.mark.integration
def test_there_and_back_every_bar_and_the_schema_are_the_same(server: Database) -> None:
    layouts, before = Layouts(server), rows(server)
    assert layouts.switch(Layout.PARTITIONS) == len(YEARS)
    found = layouts.shown()
    assert found.layout is Layout.PARTITIONS
    assert {"bars_old", "bars_2000", "bars_2024", "bars_2027", "bars_rest"} <= set(found.partitions)
    assert found.bytes > 0
    assert rows(server) == before
    assert layouts.switch(Layout.PLAIN) == len(YEARS)
    assert (layouts.shown().layout, rows(server)) == (Layout.PLAIN, before)
    with server.begin() as connection:
        compared = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(compared, tables.metadata) == []


@pytest.mark.integration
def test_each_year_lies_in_its_partition(server: Database) -> None:
    Layouts(server).switch(Layout.PARTITIONS)
    with server.read() as connection:
        where = connection.execute(text("SELECT tableoid::regclass::text FROM bars ORDER BY at")).scalars().all()
    assert where == ["bars_old", "bars_2000", "bars_2024", "bars_2026"]


@pytest.mark.integration
def test_a_year_that_nobody_foresaw_gets_its_partition_and_its_bars(server: Database, clock: ManualClock) -> None:
    layouts = Layouts(server)
    layouts.switch(Layout.PARTITIONS)
    with server.begin() as connection:
        market.add_bars(connection, 1, [market.bar(datetime(2028, 7, 3, tzinfo=UTC), 1.0)])
    before = rows(server)
    assert not layouts.extend()
    clock.now = NOON.replace(year=2027)
    assert layouts.extend() == ["bars_2028"]
    assert not layouts.extend()
    with server.read() as connection:
        newest = text("SELECT tableoid::regclass::text FROM bars ORDER BY at DESC LIMIT 1")
        assert connection.execute(newest).scalar() == "bars_2028"
    assert rows(server) == before


@pytest.mark.integration
def test_the_rights_of_others_stay(server: Database) -> None:
    with server.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS analyst"))
        connection.execute(text("CREATE ROLE analyst"))
        connection.execute(text("GRANT SELECT ON bars, symbol_bars TO analyst"))
    rights = text(
        "SELECT has_table_privilege('analyst', 'bars', 'SELECT'), has_table_privilege('analyst', 'bars', 'INSERT'),"
        " has_table_privilege('analyst', 'symbol_bars', 'SELECT')"
    )
    for layout in (Layout.PARTITIONS, Layout.PLAIN):
        Layouts(server).switch(layout)
        with server.read() as connection:
            assert connection.execute(rights).one() == (True, False, True)
    with server.begin() as connection:
        connection.execute(text("DROP OWNED BY analyst"))
        connection.execute(text("DROP ROLE analyst"))


@pytest.mark.integration
def test_a_view_of_somebody_else_is_not_broken(server: Database) -> None:
    with server.begin() as connection:
        connection.execute(text("CREATE VIEW mine AS SELECT count(*) FROM bars"))
    before = rows(server)
    with pytest.raises(Conflict, match=r"view mine depends on table bars.*drop it, switch, and make it again"):
        Layouts(server).switch(Layout.PARTITIONS)
    assert (Layouts(server).shown().layout, rows(server)) == (Layout.PLAIN, before)


@pytest.mark.integration
def test_what_is_so_already_or_cannot_be_is_refused(server: Database) -> None:
    with pytest.raises(Conflict, match="bars lie as plain already"):
        Layouts(server).switch(Layout.PLAIN)
    with pytest.raises(InvalidInput, match="TimescaleDB"):
        Layouts(server).switch(Layout.TIMESCALE)
    assert not Layouts(server).extend()


def test_sqlite_has_one_layout(sqlite_url: str, clock: ManualClock) -> None:
    database = Database(sqlite_url, clock=clock)
    layouts = Layouts(database)
    assert (layouts.shown().layout, layouts.extend()) == (Layout.PLAIN, ())
    with pytest.raises(InvalidInput, match="use PostgreSQL"):
        layouts.switch(Layout.PARTITIONS)
    database.dispose()


@pytest.mark.integration
def test_bars_land_in_partitions_and_are_read_from_them(
    postgresql_url: str, redis_url: str, clock: ManualClock
) -> None:
    database = Database(postgresql_url, clock=clock)
    house, reading = House(database, redis_url, clock), Reading(database)
    Layouts(database).switch(Layout.PARTITIONS)
    house.define(window={"start": "2025-12-20", "end": "2026-01-10"}, mode="backfill")
    for _ in range(2):
        house.trigger()
        house.dispatch.tick()
        for lane in Lane:
            house.work(lane)
    found = reading.table(BarsQuery(("AAPL", "MSFT")))
    assert found.num_rows == 2 * 21
    with database.read() as connection:
        years = text("SELECT tableoid::regclass::text, count(*) FROM bars GROUP BY 1 ORDER BY 1")
        assert connection.execute(years).all() == [("bars_2025", 24), ("bars_2026", 18)]
        assert connection.execute(select(func.max(tables.bars.c.revision))).scalar() == 0
    reading.close()
    house.publisher.close()
    database.dispose()
