"""Moving the bars into another layout."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, select, text

from stockjobs.domain.market.layouts import Layout
from stockjobs.domain.market.reading import BarsQuery
from stockjobs.domain.work.lanes import Lane
from stockjobs.errors import Busy, Conflict, InvalidInput
from stockjobs.services.market.layouts import Layouts
from stockjobs.services.market.reading import Reading
from stockjobs.store import tables
from stockjobs.store.columns import Columns
from stockjobs.store.columns_postgresql import Server
from stockjobs.store.database import Database
from stockjobs.store.market import layouts as store_layouts
from tests.fixtures import market
from tests.fixtures.database import NOON, ManualClock
from tests.fixtures.house import House
from tests.fixtures.redis import eventually

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


def waiting(connection: Connection) -> set[str]:
    """The transactions of this database that wait for a lock."""
    query = """SELECT virtualtransaction FROM pg_locks
        WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
    return set(connection.execute(text(query)).scalars())


def meanwhile(server: Database, *deeds: Callable[[], object]) -> list[object]:
    """What comes of deeds that are begun while bars are moved, and that wait for it."""
    with ThreadPoolExecutor(len(deeds)) as pool:
        with server.begin() as connection:
            store_layouts.switch(connection, Layout.PARTITIONS, NOON)
            futures = [pool.submit(deed) for deed in deeds]
            eventually(lambda: len(waiting(connection)) == len(deeds), tell=lambda: [one.done() for one in futures])
        return [one.exception(60) or one.result() for one in futures]


@pytest.mark.integration
def test_who_wants_bars_meanwhile_waits_and_gets_all(server: Database) -> None:
    reading, before = Reading(server), rows(server)
    query = BarsQuery(("AAPL",))
    again = Layouts(server)
    found = meanwhile(
        server,
        lambda: reading.table(query).num_rows,
        lambda: sum(batch.num_rows for batch in reading.stream(query)),
        lambda: rows(server),
        lambda: again.switch(Layout.PARTITIONS),
        lambda: again.shown().layout,
    )
    assert found[:3] == [len(YEARS), len(YEARS), before]
    assert str(found[3]) == "bars lie as partitions already"
    assert isinstance(found[3], Conflict)
    reading.close()


@pytest.mark.integration
def test_the_view_is_taken_before_the_table_as_its_readers_do(server: Database) -> None:
    held = """SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
        WHERE granted AND mode = 'AccessExclusiveLock' AND relname IN ('bars', 'symbol_bars')"""
    with ThreadPoolExecutor(1) as pool:
        with server.begin() as connection:
            connection.execute(text("LOCK TABLE bars IN ROW EXCLUSIVE MODE"))
            moved = pool.submit(Layouts(server).switch, Layout.PARTITIONS)
            eventually(lambda: len(waiting(connection)) == 1)
            assert connection.execute(text(held)).scalars().all() == ["symbol_bars"]
        assert moved.result(60) == len(YEARS)


@pytest.mark.integration
def test_whoever_reads_does_not_give_up_after_a_while(server: Database) -> None:
    reader = Server(server.conninfo(lock_timeout="50ms"), "it")
    seen: set[str] = set()
    with ThreadPoolExecutor(1) as pool:
        with server.begin() as connection:
            connection.execute(text("LOCK TABLE bars IN ACCESS EXCLUSIVE MODE"))
            begun = pool.submit(reader.begin, in_order=False)
            eventually(lambda: len(seen.__ior__(waiting(connection))) > 1 or begun.done())
        begun.result(60)
    assert sum(batch.num_rows for batch in reader.batches("SELECT at FROM bars")) == len(YEARS)
    reader.end()
    reader.close()


@pytest.mark.integration
def test_whoever_takes_rows_from_a_reader_may_take_his_time(server: Database) -> None:
    columns = Columns(server)
    with columns.snapshot() as snapshot:
        found = list(snapshot.batches("SELECT current_setting('idle_in_transaction_session_timeout') AS limit"))
    assert [row["limit"] for batch in found for row in batch.to_pylist()] == ["0"]
    columns.close()


@pytest.mark.integration
def test_who_does_not_own_the_bars_is_told_who_does(server: Database) -> None:
    with server.begin() as connection:
        connection.execute(text("SET LOCAL SESSION AUTHORIZATION pg_monitor"))
        with pytest.raises(InvalidInput, match=r"pg_monitor does not own bars.*connect as \w+"):
            store_layouts.switch(connection, Layout.PARTITIONS, NOON)
        connection.rollback()


@pytest.mark.integration
def test_tables_and_view_stay_with_their_owners_and_in_their_schema(server: Database) -> None:
    owners = text("""SELECT relname, pg_get_userbyid(relowner), relnamespace::regnamespace::text FROM pg_class
        WHERE relname ~ '^(bars|symbol_bars)' AND relname !~ 'version' AND relkind IN ('r', 'p', 'v')""")
    with server.begin() as connection:
        for role in ("keeper", "viewer"):
            connection.execute(text(f"CREATE ROLE {role}"))
            connection.execute(text(f"CREATE SCHEMA {role} AUTHORIZATION {role}"))
            connection.execute(text(f"GRANT CREATE ON SCHEMA public TO {role}"))
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO viewer"))
        connection.execute(text("ALTER TABLE bars OWNER TO keeper"))
        connection.execute(text("ALTER VIEW symbol_bars OWNER TO viewer"))
    before = rows(server)
    for layout in (Layout.PARTITIONS, Layout.PLAIN):
        with server.begin() as connection:
            store_layouts.switch(connection, layout, NOON)
        with server.begin() as connection:
            store_layouts.extend(connection, NOON.replace(year=2030))
            found = {(owner, schema) for name, owner, schema in connection.execute(owners) if name != "symbol_bars"}
            assert found == {("keeper", "public")}
            assert ("symbol_bars", "viewer", "public") in connection.execute(owners).all()
        assert rows(server) == before
    with server.begin() as connection:
        for role in ("keeper", "viewer"):
            connection.execute(text(f"REASSIGN OWNED BY {role} TO CURRENT_USER"))
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


@pytest.mark.integration
def test_somebody_who_reads_on_and_on_is_named_and_nothing_is_moved(server: Database) -> None:
    columns = Columns(server)
    process = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
    with columns.snapshot(), server.begin() as connection:
        reader = connection.execute(text(f"{process} AND pid <> pg_backend_pid()")).scalar_one()
        connection.execute(text("SET LOCAL lock_timeout = '20ms'"))
        told = rf"process {reader} \(user \w+, stockjobs, idle in transaction.*pg_terminate_backend\({reader}\)"
        with pytest.raises(Busy, match=told):
            store_layouts.switch(connection, Layout.PARTITIONS, NOON)
        assert connection.execute(text("SELECT count(*) FROM symbol_bars")).scalar() == len(YEARS)
        connection.rollback()
    columns.close()


@pytest.mark.integration
def test_a_reader_locks_few_tables_and_misses_no_bars_that_get_a_partition(server: Database) -> None:
    Layouts(server).switch(Layout.PARTITIONS)
    with server.begin() as connection:
        market.add_bars(connection, 1, [market.bar(datetime(2028, 7, 3, tzinfo=UTC), 1.0)])
    columns, year = Columns(server), "SELECT at FROM bars WHERE at >= '2028-01-01'"
    held = """SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
        WHERE relname LIKE 'bars%' AND relkind IN ('r', 'p') AND pid <> pg_backend_pid() ORDER BY 1"""
    with columns.snapshot() as snapshot, server.begin() as connection:
        assert connection.execute(text(held)).scalars().all() == ["bars", "bars_rest"]
        list(snapshot.batches("SELECT 1"))
        with pytest.raises(Busy, match="process"):
            store_layouts.extend(connection, NOON.replace(year=2027))
        connection.rollback()
        assert sum(batch.num_rows for batch in snapshot.batches(year)) == 1
    for layout in (Layout.PLAIN, Layout.PARTITIONS):
        Layouts(server).switch(layout)
        with columns.snapshot() as snapshot:
            assert sum(batch.num_rows for batch in snapshot.batches("SELECT at FROM bars")) == len(YEARS) + 1
    columns.close()


@pytest.mark.integration
def test_a_reader_that_is_interrupted_while_it_waits_keeps_no_lock(server: Database) -> None:
    columns, threads = Columns(server), list[int]()

    def read() -> None:
        threads.append(threading.get_ident())
        with columns.snapshot():
            pass

    held = "SELECT count(*) FROM pg_locks WHERE relation = 'bars'::regclass AND pid <> pg_backend_pid()"
    with ThreadPoolExecutor(1) as pool:
        with server.begin() as connection:
            connection.execute(text("LOCK TABLE bars IN ACCESS EXCLUSIVE MODE"))
            begun = pool.submit(read)
            eventually(lambda: len(waiting(connection)) == 1)
            # As Ctrl-C does in the main thread: it is heard when the statement comes back.
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(threads[0]), ctypes.py_object(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            begun.result(60)
    with server.read() as connection:
        eventually(lambda: connection.execute(text(held)).scalar() == 0)


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
