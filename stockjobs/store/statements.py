"""Statements that both databases spell a little differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Table, TextClause, literal, text
from sqlalchemy.dialects import postgresql, sqlite

from stockjobs.domain.states import State


def word(state: State) -> ColumnElement[str]:
    """A state as a literal in the statement's text, so that a partial index on it can be seen to apply."""
    return literal(state.value, literal_execute=True)


def words(states: Sequence[State]) -> list[ColumnElement[str]]:
    """Several states as literals."""
    return [word(state) for state in states]


def is_set(column: Column[bool]) -> TextClause:
    """A flag as the databases write it in a partial index; SQLAlchemy's `= 1` would not be seen to imply it on SQLite."""
    return text(f"{column.table.name}.{column.name}")


def is_unset(column: Column[bool]) -> TextClause:
    """The opposite of `is_set`."""
    return text(f"NOT {column.table.name}.{column.name}")


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
    statement = upsert(connection, table).on_conflict_do_nothing().returning(table.c.id)
    return set(connection.execute(statement, rows).scalars())
