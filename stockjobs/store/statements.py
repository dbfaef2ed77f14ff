"""Statements that both databases spell a little differently."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    JSON,
    BindParameter,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Dialect,
    Executable,
    String,
    Table,
    TextClause,
    Uuid,
    any_,
    bindparam,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from stockjobs.domain.work.states import State


def word(state: State) -> ColumnElement[str]:
    """A state as a literal in the statement's text, so that a partial index on it can be seen to apply."""
    return as_written(state)


def as_written(value: StrEnum) -> ColumnElement[str]:
    """A value of ours as it stands in a statement's text: unlike a literal it costs nothing when the statement is run again."""
    return literal_column(f"'{value.value}'", String())


def words(states: Sequence[State]) -> list[ColumnElement[str]]:
    """Several states as literals."""
    return [word(state) for state in states]


def is_among(column: Column[Any], name: str) -> ColumnElement[bool]:
    """True of a row whose value is in the list that is put by this name into a statement that is made once.

    It is one parameter however long the list is: with one for each value they take longer to write down than to find.
    """
    return _Among(column, bindparam(name, type_=_Values(column.type)))


def is_in(column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """True of a row whose value is one of these, however many: as `is_among`, in a statement that is made anew each time.

    A statement with a parameter for each value is refused from 32,766 of them on by SQLite, from 65,535 on by PostgreSQL.
    """
    return _Among(column, _given(column, values))


def is_not_in(column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """The opposite of `is_in`, for a column that is never NULL."""
    return _NotAmong(column, _given(column, values))


def _given(column: Column[Any], values: Collection[Any]) -> BindParameter[Any]:
    return bindparam(column.name, list(values), type_=_Values(column.type), unique=True)


class _Values(TypeDecorator[Sequence[Any]]):
    """Values of a type, written as texts or whole numbers, as one: an array on PostgreSQL, a JSON document on SQLite."""

    impl = JSON
    cache_ok = True

    def __init__(self, each: TypeEngine[Any]) -> None:
        super().__init__()
        self.each = each

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The one or the other."""
        return dialect.type_descriptor(_Array(self.each.compile(dialect)) if dialect.name == "postgresql" else JSON())

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Sequence[Any] | str:
        """Each as it is written."""
        write = self.each.dialect_impl(dialect).bind_processor(dialect)
        each = value or () if write is None else [write(one) for one in value or ()]
        return as_array(each) if dialect.name == "postgresql" else list(each)


class _Array(UserDefinedType[str]):
    """An array of PostgreSQL that comes as a text."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, each: str) -> None:
        self.each = each

    def get_col_spec(self, **_: object) -> str:
        """What the text is read as."""
        return f"{self.each}[]"


def as_array(values: Iterable[Any]) -> str:
    """Values of one kind as PostgreSQL writes an array in a text: the driver takes several times as long to write a list down.

    See "Array Input and Output Syntax" in its manual.
    """
    each = list(values)
    are_numbers = bool(each) and isinstance(each[0], int) and None not in each
    return f"{{{','.join(map(str if are_numbers else _quoted, each))}}}"


def _quoted(value: object) -> str:
    if value is None:
        return "NULL"
    written = str(value)
    if "\\" in written or '"' in written:
        written = written.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{written}"'


class _Condition(FunctionElement[bool]):
    """A condition that stands as it is: `= 1` behind it, which SQLAlchemy writes for SQLite, would keep it from every index."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> _Condition:  # noqa: ARG002 - it is called so
        """Itself."""
        return self


class _Among(_Condition):
    """See `is_among`."""

    name = "among"
    inherit_cache = True


@compiles(_Among)
def _among_document(element: _Among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(_Among, "postgresql")
def _among_array(element: _Among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} = ANY ({values})"


class _NotAmong(_Condition):
    """See `is_not_in`."""

    name = "not_among"
    inherit_cache = True


@compiles(_NotAmong)
def _not_among_document(element: _NotAmong, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} NOT IN (SELECT value FROM json_each({values}))"


@compiles(_NotAmong, "postgresql")
def _not_among_array(element: _NotAmong, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(one, **options) for one in element.clauses)
    # Rows are held against a subquery by hashing; against an array one value after the other, where a plan serves any list.
    return f"{column} NOT IN (SELECT unnest({values}))"


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
    return insert_for(connection.dialect.name, table)


def insert_for(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """The same in the words of a dialect, for a statement that is made once."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_if_absent(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows; those whose key is there already are left alone. Returns how many were new."""
    if not rows:
        return 0
    return connection.execute(_insert_if_absent(connection.dialect.name, table), rows).rowcount


@cache
def _insert_if_absent(dialect: str, table: Table) -> Executable:
    return insert_for(dialect, table).on_conflict_do_nothing()


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert rows; those whose key is there already are left alone. Returns the ids of those that were new."""
    if not rows:
        return set()
    if connection.dialect.name == "postgresql":
        return set(_insert_document(connection, table, rows, "ON CONFLICT DO NOTHING RETURNING id").scalars())
    ids = [row["id"] for row in rows]
    there = set(connection.execute(select(table.c.id).where(is_in(table.c.id, ids))).scalars())
    insert_if_absent(connection, table, rows)
    # A writer of SQLite is alone: what was not there is new.
    return set(ids) - there


def insert_many(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, in this order; those whose key is there already are left alone. For thousands of them in one statement."""
    if rows and connection.dialect.name == "postgresql":
        _insert_document(connection, table, rows, "ON CONFLICT DO NOTHING")
    else:
        insert_if_absent(connection, table, rows)


def upsert_many(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, rising: str | None = None
) -> None:
    """Insert rows, all of the same columns; where a key is there already, the other columns get what they have in the row.

    With a column that is `rising`, only if that becomes more by it.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _insert_document(connection, table, rows, _then_replace(table, tuple(rows[0]), rising))
    else:
        connection.execute(_upsert(table, tuple(rows[0]), rising), rows)


@cache
def _then_replace(table: Table, columns: tuple[str, ...], rising: str | None) -> str:
    key = [column.name for column in table.primary_key]
    others = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    replacing = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {others}"
    if rising is None:
        return replacing
    # What is no more is left out before: a row that is met is locked, which is a write, even if it is left as it is.
    is_same = " AND ".join(f"there.{name} = new.{name}" for name in key)
    there = f"(SELECT {rising} FROM {table.name} AS there WHERE {is_same})"
    return f"WHERE ({there} >= new.{rising}) IS NOT TRUE {replacing} WHERE {table.name}.{rising} < excluded.{rising}"


@cache
def _upsert(table: Table, columns: tuple[str, ...], rising: str | None) -> Executable:
    insert = sqlite.insert(table)
    key = table.primary_key.columns
    others = {name: insert.excluded[name] for name in columns if name not in key}
    which = table.c[rising] < insert.excluded[rising] if rising else None
    return insert.on_conflict_do_update(index_elements=list(key), set_=others, where=which)


def _insert_document(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], then: str
) -> CursorResult[Any]:
    # One parameter for all rows: with one for each value, reading the statement takes longer than executing it.
    return connection.execute(_document_into(table.name, tuple(rows[0]), then), {"rows": as_json(rows)})


@cache
def _document_into(table: str, columns: tuple[str, ...], then: str) -> TextClause:
    names = ", ".join(columns)
    source = f"jsonb_populate_recordset(NULL::{table}, CAST(:rows AS jsonb)) AS new"
    return text(f"INSERT INTO {table} ({names}) SELECT {names} FROM {source} {then}")


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as one document, for a statement that takes them as such."""
    return orjson.dumps([dict(row) for row in rows], option=orjson.OPT_NON_STR_KEYS).decode()
