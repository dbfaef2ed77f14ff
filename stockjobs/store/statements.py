"""Statements that both databases spell a little differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Table,
    TextClause,
    Uuid,
    any_,
    bindparam,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from stockjobs.domain.work.states import State


def word(state: State) -> ColumnElement[str]:
    """A state as a literal in the statement's text, so that a partial index on it can be seen to apply."""
    return literal(state.value, literal_execute=True)


def words(states: Sequence[State]) -> list[ColumnElement[str]]:
    """Several states as literals."""
    return [word(state) for state in states]


def several(name: str) -> BindParameter[Any]:
    """The place in a statement, made once, where a list of values is put by this name."""
    return bindparam(name, expanding=True)


def is_set(column: Column[bool]) -> TextClause:
    """A flag as the databases write it in a partial index; SQLAlchemy's `= 1` would not be seen to imply it on SQLite."""
    return text(f"{column.table.name}.{column.name}")


def is_unset(column: Column[bool]) -> TextClause:
    """The opposite of `is_set`."""
    return text(f"NOT {column.table.name}.{column.name}")


Conditions = tuple[ColumnElement[bool] | TextClause, ...]


def in_order(connection: Connection, table: Table, which: Conditions, *, passing_over: bool = False) -> Conditions:
    """The same conditions for an UPDATE of many rows that locks them by id, so that of two neither holds what the other wants.

    `passing_over` leaves out the rows in another's hand. A writer of SQLite is alone.
    """
    if connection.dialect.name != "postgresql":
        return which
    chosen = select(table.c.id).where(*which).order_by(table.c.id).correlate(None)
    locked = chosen.with_for_update(skip_locked=passing_over, key_share=True).scalar_subquery()
    # As an array it is found once, before the first row is changed, whatever the statistics say.
    return (table.c.id == any_(func.array(locked, type_=postgresql.ARRAY(Uuid()))),)


def upsert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can be given ON CONFLICT, in the words of this connection's database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_if_absent(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows; those whose key is there already are left alone. Returns how many were new."""
    if not rows:
        return 0
    return connection.execute(upsert(connection, table).on_conflict_do_nothing(), rows).rowcount


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert rows; those whose key is there already are left alone. Returns the ids of those that were new."""
    if not rows:
        return set()
    if connection.dialect.name == "postgresql":
        return set(_insert_document(connection, table, rows, "ON CONFLICT DO NOTHING RETURNING id").scalars())
    ids = [row["id"] for row in rows]
    there = set(connection.execute(select(table.c.id).where(table.c.id.in_(ids))).scalars())
    insert_if_absent(connection, table, rows)
    # A writer of SQLite is alone: what was not there is new.
    return set(ids) - there


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, in this order; those whose key is there already are left alone. For thousands of them in one statement."""
    if rows and connection.dialect.name == "postgresql":
        _insert_document(connection, table, rows, "ON CONFLICT DO NOTHING")
    else:
        insert_if_absent(connection, table, rows)


def _insert_document(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], then: str
) -> CursorResult[Any]:
    # One parameter for all rows: with one for each value, reading the statement takes longer than executing it.
    names = ", ".join(rows[0])
    source = f"jsonb_populate_recordset(NULL::{table.name}, CAST(:rows AS jsonb))"
    statement = text(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {source} {then}")
    return connection.execute(statement, {"rows": as_json(rows)})


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as one document, for a statement that takes them as such."""
    return orjson.dumps([dict(row) for row in rows], option=orjson.OPT_NON_STR_KEYS).decode()
