"""Statements: a list of values is one parameter, whatever kind of values they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, insert, select

from stockjobs.store import tables
from stockjobs.store.database import Connection, Database
from stockjobs.store.statements import is_among, is_in, is_not_in, upsert_many

NOW = datetime(2026, 3, 4, tzinfo=UTC)
_instruments, _symbols = tables.instruments, tables.symbols
BY_UID = select(_instruments.c.id).where(is_among(_instruments.c.uid, "wanted"))
BY_NUMBER = select(_instruments.c.id).where(is_among(_instruments.c.id, "wanted"))
BY_NAME = select(_symbols.c.instrument_id).where(is_among(_symbols.c.symbol, "wanted"))
NAMES = ("A", "it's", 'a "quoted" one', "a\\\\b, {c}", "NULL", "日経")


def written(connection: Connection) -> dict[str, tuple[int, UUID]]:
    """Instruments of some names, with their numbers and ids."""
    found: dict[str, tuple[int, UUID]] = {}
    for name in NAMES:
        uid = uuid4()
        described = {"exchange": "NMS", "zone": "", "currency": "USD", "unit": 1.0, "kind": "EQUITY", "name": name}
        row = {"uid": uid, "created_at": NOW, **described}
        number = connection.execute(insert(_instruments).returning(_instruments.c.id), row).scalar_one()
        named = {"provider": "yahoo", "symbol": name, "instrument_id": number, "valid_from": NOW}
        connection.execute(insert(_symbols), named)
        found[name] = (number, uid)
    return found


def test_rows_are_found_by_a_list_of_numbers_of_texts_and_of_ids(database: Database) -> None:
    with database.begin() as connection:
        there = written(connection)
        wanted = [there[name] for name in NAMES[1:]]
        numbers = {number for number, _ in wanted}
        cases = (
            (BY_NUMBER, [*numbers, 10_000]),
            (BY_NAME, [*NAMES[1:], "nobody"]),
            (BY_UID, [*(uid for _, uid in wanted), uuid4()]),
        )
        for statement, values in cases:
            assert set(connection.execute(statement, {"wanted": values}).scalars()) == numbers
            # The same statement with a list of another length, and with an empty one.
            assert set(connection.execute(statement, {"wanted": values[:1]}).scalars()) <= numbers
            assert connection.execute(statement, {"wanted": []}).scalars().all() == []
            # Nothing is like what is not known.
            assert set(connection.execute(statement, {"wanted": [*values, None]}).scalars()) == numbers


def test_a_list_of_tens_of_thousands_is_one_parameter(database: Database) -> None:
    with database.begin() as connection:
        (first, uid), *rest = written(connection).values()
        others = {number for number, _ in rest}
        numbers = [first, *range(100_000, 170_000)]
        cases: tuple[tuple[ColumnElement[bool], set[int]], ...] = (
            (is_in(_instruments.c.id, numbers), {first}),
            (is_not_in(_instruments.c.id, numbers), others),
            (is_in(_instruments.c.uid, [uid, uuid4()]), {first}),
            (is_in(_instruments.c.created_at, [NOW, NOW + timedelta(days=1)]), {first, *others}),
            (is_in(_instruments.c.created_at, {NOW - timedelta(days=1)}), set()),
            (is_in(_instruments.c.id, []), set()),
            (is_not_in(_instruments.c.id, []), {first, *others}),
        )
        for condition, found in cases:
            assert set(connection.execute(select(_instruments.c.id).where(condition)).scalars()) == found


def test_of_many_rows_those_whose_key_is_there_are_replaced(database: Database) -> None:
    later, positions = NOW + timedelta(microseconds=1_500_000), tables.positions
    with database.begin() as connection:
        first, second, *_ = (number for number, _ in written(connection).values())

        def put(*rows: tuple[int, datetime]) -> list[tuple[int, int, datetime]]:
            named = [{"instrument_id": one, "interval_s": 60, "newest_at": NOW, "updated_at": at} for one, at in rows]
            upsert_many(connection, positions, named)
            found = select(positions.c["instrument_id", "interval_s", "updated_at"]).order_by(positions.c.instrument_id)
            return [tuple(row) for row in connection.execute(found)]

        assert put((first, NOW)) == [(first, 60, NOW)]
        assert put((second, NOW), (first, later)) == [(first, 60, later), (second, 60, NOW)]
        assert put() == [(first, 60, later), (second, 60, NOW)]
        # Where a column is to rise, what is not more there changes nothing.
        for at, found in ((NOW, later), (later, later), (later + timedelta(days=1), later + timedelta(days=1))):
            row = {"instrument_id": first, "interval_s": 60, "newest_at": NOW, "updated_at": at}
            upsert_many(connection, positions, [row], rising="updated_at")
            assert put()[0] == (first, 60, found)
