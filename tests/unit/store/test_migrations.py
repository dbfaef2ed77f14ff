"""Migrations of databases that hold work: up with it, down and up again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert, select, text

from stockjobs.domain import ids
from stockjobs.store import revisions, schema, tables
from stockjobs.store.database import Database
from stockjobs.store.ledger import definitions
from stockjobs.store.ledger.definitions import Job
from tests.fixtures.database import NOON
from tests.fixtures.house import spec


@pytest.fixture
def old(empty_database_url: str) -> Iterator[Database]:
    """A database of the first revision."""
    found = Database(empty_database_url)
    schema.upgrade(found, "0001")
    yield found
    found.dispose()


def _add_job(connection: Connection, name: str, **fields: object) -> UUID:
    """A job as every revision can hold it."""
    job = ids.job_id(name)
    times = {"created_at": NOON, "updated_at": NOON}
    connection.execute(insert(tables.jobs).values(id=job, name=name, version=1, enabled=True, **times))
    definition = spec(**fields)
    values = {"job_id": job, "version": 1, "spec": definition.document(), "labels": {}, "digest": definition.digest()}
    connection.execute(insert(tables.job_versions).values(**values, created_at=NOON, created_by="test"))
    return job


def _add_occurrence(connection: Connection, job: UUID, state: str = "completed") -> UUID:
    identity, finished_at = uuid4(), NOON if state == "completed" else None
    values = {"id": identity, "job_id": job, "version": 1, "key": str(identity), "scheduled_for": NOON, "state": state}
    connection.execute(
        insert(tables.occurrences).values(**values, submitter="test", created_at=NOON, finished_at=finished_at)
    )
    return identity


def _add_task(connection: Connection, occurrence: UUID, symbols: list[str], **more: object) -> None:
    counters = dict.fromkeys(("failures", "deferrals", "crashes"), 0)
    task, times = uuid4(), {"about": NOON, "run_at": NOON, "created_at": NOON}
    values = {"id": task, "occurrence_id": occurrence, "key": str(task), "symbols": symbols, "priority": 5, "number": 1}
    connection.execute(insert(tables.tasks).values(**{**values, "state": "completed", **times, **counters, **more}))
    attempt = {"id": uuid4(), "task_id": task, "number": 1, "state": "completed", "lane": "realtime", "worker": "w"}
    connection.execute(insert(tables.attempts).values(**attempt, started_at=NOON, rows_written=7))


def _outcomes(database: Database) -> dict[UUID, tuple[int | None, int | None]]:
    columns = tables.occurrences.c
    with database.read() as connection:
        rows = connection.execute(select(columns.id, columns.symbols, columns.rows_written))
        return {identity: (symbols, written) for identity, symbols, written in rows}


def test_what_ended_under_the_first_revision_counts_each_symbol_once(old: Database) -> None:
    with old.begin() as connection:
        job = _add_job(connection, "DAILY")
        ended = _add_occurrence(connection, job)
        _add_task(connection, ended, ["AAPL", "MSFT"], interval_s=60)
        _add_task(connection, ended, ["MSFT", "AAPL", "IBM"], interval_s=86_400)
        _add_task(connection, ended, ["GONE"], state="failed")
        empty, running = _add_occurrence(connection, job), _add_occurrence(connection, job, "running")
        _add_task(connection, running, ["AAPL"])
    schema.upgrade(old)
    assert _outcomes(old) == {ended: (3, 21), empty: (0, 0), running: (None, None)}
    with old.read() as connection:
        filled = connection.execute(select(tables.tasks.c.job_id, tables.tasks.c.provider).distinct()).all()
    assert filled == [(job, "yahoo")]


def test_down_and_up_again_jobs_are_capped_and_wait_for_others_as_they_are_defined(database: Database) -> None:
    awaited = [{"job": "BASE", "match": "latest"}, {"job": "OTHER"}]
    definitions_of = {"BASE": {}, "OTHER": {}, "TOP": {"dependsOn": awaited, "maxParallel": 3}}
    with database.begin() as connection:
        for name, fields in definitions_of.items():
            job = Job(ids.job_id(name), name, 1, spec(**fields), {}, True, None, NOON, NOON)
            definitions.create(connection, job, "test")
        gone = Job(ids.job_id("GONE"), "GONE", 1, spec(dependsOn=[{"job": "BASE"}]), {}, True, None, NOON, NOON)
        definitions.create(connection, gone, "test")
        definitions.delete(connection, gone.id, NOON)
    schema.downgrade(database, "0001")
    schema.upgrade(database)
    with database.read() as connection:
        caps = dict(connection.execute(select(tables.jobs.c.name, tables.jobs.c.max_parallel)).all())
        edges = connection.execute(select(tables.job_dependencies)).all()
    assert caps == {"BASE": None, "OTHER": None, "TOP": 3, "GONE": None}
    assert {tuple(edge) for edge in edges} == {(ids.job_id("TOP"), ids.job_id(name)) for name in ("BASE", "OTHER")}
    revisions.check(database)


def test_down_what_waits_without_tasks_is_cancelled_and_what_has_some_is_queued(database: Database) -> None:
    with database.begin() as connection:
        job = _add_job(connection, "DAILY")
        waiting, later = (_add_occurrence(connection, job, "scheduled") for _ in range(2))
        _add_task(connection, later, ["AAPL"], state="queued", job_id=job, provider="yahoo")
        wait = {"occurrence_id": waiting, "number": 0, "on_job_id": job, "on_occurrence_id": later}
        connection.execute(insert(tables.occurrence_dependencies).values(**wait, on_failure="skip", state="waiting"))
    schema.downgrade(database, "0001")
    with database.read() as connection:
        columns = tables.occurrences.c
        rows = connection.execute(select(columns.id, columns.state, columns.finished_at.is_not(None))).all()
        [reason] = connection.execute(text("SELECT reason FROM occurrences WHERE reason IS NOT NULL")).scalars()
    assert {identity: rest for identity, *rest in rows} == {waiting: ["cancelled", True], later: ["queued", False]}
    assert "waited for others" in reason
    schema.upgrade(database)
    assert _outcomes(database) == {waiting: (0, 0), later: (None, None)}
    if not database.is_postgresql:
        with database.read() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


_OLD_ROWS = (
    (
        "INSERT INTO instruments (id, uid, exchange, zone, currency, unit, kind, name, created_at) "
        "VALUES (1, :uid, 'NMS', 'America/New_York', 'USD', 1, 'EQUITY', '', :now)"
    ),
    (
        "INSERT INTO bars (instrument_id, interval_s, at, open, high, low, close, volume, provisional) "
        "VALUES (1, 86400, :at, 1, 3, 0.5, 2, 1000, false), (1, 86400, :later, 2, 4, 1.5, 3, NULL, true)"
    ),
    "INSERT INTO corporate_actions (instrument_id, kind, at, value, seen_at) VALUES (1, 'split', :at, 4, :now)",
    (
        "INSERT INTO findings (id, kind, symbol, instrument_id, interval_s, at, reason, evidence, created_at) VALUES "
        "(:uid, 'rejected-bar', 'AAPL', 1, 86400, :at, 'high is below low', "
        '\'{"open": 1.5, "high": 1.0, "low": 2.0, "close": null, "volume": 12.0}\', :now)'
    ),
)


def _add_market_data(database: Database) -> None:
    is_postgresql = database.is_postgresql
    at, later = datetime(2026, 3, 2, 14, 30, tzinfo=UTC), datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
    uid = UUID(int=7)
    values = {
        "uid": uid if is_postgresql else uid.hex,
        "now": NOON if is_postgresql else f"{NOON:%Y-%m-%d %H:%M:%S}.000000",
        "at": at if is_postgresql else int(at.timestamp()),
        "later": later if is_postgresql else int(later.timestamp()),
    }
    with database.begin() as connection:
        for statement in _OLD_ROWS:
            used = {name: value for name, value in values.items() if f":{name}" in statement}
            connection.execute(text(statement), used)


_AS_THEY_WERE = "SELECT instrument_id, interval_s, open, high, low, close, volume, provisional FROM bars ORDER BY at"


def test_market_data_goes_up_with_provenance_and_down_as_it_was(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    schema.upgrade(database, "0004")
    _add_market_data(database)
    with database.read() as connection:
        before = connection.execute(text(_AS_THEY_WERE)).all()
    schema.upgrade(database)
    with database.read() as connection:
        bars = connection.execute(select(*tables.bars.c["split_factor", "landing_id", "revision"])).all()
        actions = connection.execute(select(*tables.corporate_actions.c["value", "landing_id", "replaced_by"])).all()
        states = connection.execute(select(tables.findings.c.state)).scalars().all()
        aside = connection.execute(
            select(*tables.quarantined_bars.c["open", "high", "low", "close", "volume", "provisional"])
        ).all()
        assert connection.execute(text(_AS_THEY_WERE)).all() == before
    assert bars == [(1.0, 0, 0)] * 2
    assert actions == [(4.0, 0, None)]
    assert states == ["open"]
    assert aside == [(1.5, 1.0, 2.0, None, 12, False)]
    schema.downgrade(database, "0004")
    with database.read() as connection:
        assert connection.execute(text(_AS_THEY_WERE)).all() == before
        assert connection.execute(text("SELECT kind, value FROM corporate_actions")).all() == [("split", 4.0)]
        assert connection.execute(text("SELECT symbol, reason FROM findings")).all() == [("AAPL", "high is below low")]
    schema.upgrade(database)
    revisions.check(database)
    database.dispose()


_BESIDE_A_SPLIT = (
    (900, "2026-03-03 04:45", 2 * 0.1),
    (900, "2026-03-03 09:00", 0.1),
    (86_400, "2026-02-27 00:00", 4 * 2 * 0.1),
    (86_400, "2026-03-04 05:00", 1),
    (604_800, "2026-02-23 05:00", 4 * 2 * 0.1),
    (604_800, "2026-03-02 05:00", 1),
    (2_592_000, "2026-02-01 05:00", 4 * 2 * 0.1),
    (2_592_000, "2026-03-01 05:00", 1),
)
"""Bars beside the splits of three days from a Monday on: seconds of the interval, when it opens, the splits in its price."""


def _add_bars(connection: Connection, is_postgresql: bool) -> None:
    for seconds, opened, _ in _BESIDE_A_SPLIT:
        at = datetime.fromisoformat(f"{opened}+00:00")
        connection.execute(
            text(
                "INSERT INTO bars (instrument_id, interval_s, at, open, high, low, close, volume, provisional) "
                "VALUES (1, :seconds, :at, 1, 3, 0.5, 2, 1000, false)"
            ),
            {"seconds": seconds, "at": at if is_postgresql else int(at.timestamp())},
        )


def _factors(database: Database) -> dict[tuple[int, str], float]:
    """The splits in the prices of bars, by the seconds of their interval and their time."""
    with database.read() as connection:
        rows = connection.execute(select(*tables.bars.c["interval_s", "at", "split_factor"])).all()
    return {(seconds, f"{at:%Y-%m-%d %H:%M}"): factor for seconds, at, factor in rows}


def test_bars_from_before_stored_splits_get_the_product_of_those_after_them(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    schema.upgrade(database, "0004")
    _add_market_data(database)
    with database.begin() as connection:
        [first, second] = connection.execute(text("SELECT at FROM bars ORDER BY at")).scalars()
        given = {"at": second, "after": second + (second - first), "midnight": first + (second - first) * 14 / 24}
        connection.execute(
            text(
                "INSERT INTO corporate_actions (instrument_id, kind, at, value, seen_at) "
                "SELECT instrument_id, kind, :at, 2, seen_at FROM corporate_actions UNION ALL "
                "SELECT instrument_id, kind, :after, 0.1, seen_at FROM corporate_actions UNION ALL "
                "SELECT instrument_id, 'dividend', :midnight, 7, seen_at FROM corporate_actions UNION ALL "
                "SELECT instrument_id, 'dividend', :after, 5, seen_at FROM corporate_actions"
            ),
            given,
        )
        _add_bars(connection, database.is_postgresql)
    schema.upgrade(database)
    factors = _factors(database)
    expected = {(seconds, opened): factor for seconds, opened, factor in _BESIDE_A_SPLIT}
    # The split of 4 is of the day of the first bar itself, which is in new shares already.
    expected |= {(86_400, "2026-03-02 14:30"): 2 * 0.1, (86_400, "2026-03-03 14:30"): 0.1}
    assert factors == pytest.approx(expected)
    paid = select(*tables.corporate_actions.c["value", "split_factor"]).where(tables.corporate_actions.c.value > 4)
    with database.read() as connection:
        assert {tuple(row) for row in connection.execute(paid)} == {(7.0, 0.1), (5.0, 1.0)}
    schema.downgrade(database, "0004")
    schema.upgrade(database)
    assert _factors(database) == factors
    database.dispose()


_STATES = (
    ("rejected-bar", "open", {}),
    ("rejected-bar", "mended", {}),
    ("suspect-bar", "noted", {}),
    ("suspect-action", "noted", {}),
    ("restatement", "noted", {}),
    ("revision", "noted", {}),
    ("identity", "noted", {"provider": "yahoo"}),
    ("identity", "open", {"currency": "EUR", "unit": 1.0}),
    ("varying-ratio", "mended", {}),
)
"""Kinds of findings with their states, and evidence."""


def test_down_and_up_again_findings_that_were_noted_are_noted_and_those_put_right_are_mended(
    database: Database,
) -> None:
    with database.begin() as connection:
        for number, (kind, state, evidence) in enumerate(_STATES):
            decided_at = NOON if state == "mended" else None
            values = {"kind": kind, "state": state, "evidence": evidence, "decided_at": decided_at, "symbol": "AAPL"}
            connection.execute(
                insert(tables.findings).values(id=UUID(int=number), reason="", created_at=NOON, **values)
            )
    schema.downgrade(database, "0004")
    schema.upgrade(database)
    with database.read() as connection:
        columns = tables.findings.c["kind", "state", "evidence"]
        assert tuple(map(tuple, connection.execute(select(*columns).order_by(tables.findings.c.id)))) == _STATES
    revisions.check(database)


def test_down_only_what_is_so_now_is_left_of_what_was_told_anew(database: Database) -> None:
    common = {"instrument_id": 1, "kind": "dividend", "at": NOON, "seen_at": NOON}
    described = {"exchange": "NMS", "zone": "UTC", "currency": "USD", "unit": 1.0, "kind": "EQUITY", "name": ""}
    with database.begin() as connection:
        connection.execute(insert(tables.instruments).values(id=1, uid=UUID(int=1), created_at=NOON, **described))
        connection.execute(insert(tables.corporate_actions).values(value=1.0, landing_id=1, replaced_by=2, **common))
        connection.execute(insert(tables.corporate_actions).values(value=0.25, landing_id=2, **common))
    schema.downgrade(database, "0004")
    with database.read() as connection:
        assert connection.execute(text("SELECT value FROM corporate_actions")).scalars().all() == [0.25]
    schema.upgrade(database)
    revisions.check(database)


@pytest.mark.parametrize("zone", ["America/New_York", "EDT", "../etc"])
def test_an_event_that_was_kept_twice_a_day_is_kept_once_and_payments_have_the_splits_after_them(
    empty_database_url: str, zone: str
) -> None:
    database = Database(empty_database_url)
    schema.upgrade(database, "0004")
    _add_market_data(database)
    with database.begin() as connection:
        connection.execute(text("UPDATE instruments SET zone = :zone"), {"zone": zone})
        [first, second] = connection.execute(text("SELECT at FROM bars ORDER BY at")).scalars()
        hour, day = (second - first) / 24, second - first
        later = {"noon": first + 2 * hour, "before": first - day, "then": first - day + hour, "after": second}
        rows = (
            "SELECT instrument_id, kind, :noon, 4, seen_at FROM corporate_actions UNION ALL "
            "SELECT instrument_id, 'dividend', :before, 2, seen_at FROM corporate_actions UNION ALL "
            "SELECT instrument_id, 'dividend', :then, 2, seen_at FROM corporate_actions UNION ALL "
            "SELECT instrument_id, 'dividend', :after, 2, seen_at FROM corporate_actions"
        )
        connection.execute(
            text(f"INSERT INTO corporate_actions (instrument_id, kind, at, value, seen_at) {rows}"), later
        )
    schema.upgrade(database)
    table = tables.corporate_actions
    with database.read() as connection:
        kept = connection.execute(select(*table.c["kind", "value", "split_factor"]).order_by(table.c.at, table.c.kind))
        assert kept.all() == [("dividend", 2.0, 4.0), ("split", 4.0, 1.0), ("dividend", 2.0, 1.0)]
    database.dispose()


def test_an_event_an_hour_before_midnight_is_of_the_day_that_begins_as_its_bars_are(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    schema.upgrade(database, "0004")
    _add_market_data(database)
    with database.begin() as connection:
        [first, second] = connection.execute(text("SELECT at FROM bars ORDER BY at")).scalars()
        # 23:00, midnight and 22:00 in New York.
        late = first + (second - first) * 27 / 48
        given = {"late": late, "midnight": late + (second - first) / 24, "evening": late - (second - first) / 24}
        rows = " UNION ALL ".join(
            f"SELECT instrument_id, 'dividend', :{name}, 2, seen_at FROM corporate_actions" for name in given
        )
        connection.execute(
            text(f"INSERT INTO corporate_actions (instrument_id, kind, at, value, seen_at) {rows}"), given
        )
    schema.upgrade(database)
    table = tables.corporate_actions
    with database.read() as connection:
        kept = connection.execute(select(table.c.at).where(table.c.kind == "dividend").order_by(table.c.at)).scalars()
        hours = [at.strftime("%d %H:%M") for at in kept]
    assert hours == ["03 03:00", "03 04:00"]
    database.dispose()
