"""How our values are stored: instants, bar times, JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, DateTime, Dialect, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeDecorator, TypeEngine

Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON document; jsonb on PostgreSQL."""

BigKey = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit key that counts up by itself; SQLite does so only for a column of the type INTEGER."""

TransactionId = BigInteger()
"""The number of a PostgreSQL transaction, in the order in which transactions began to write; null on SQLite."""


class CurrentTransaction(ColumnElement[int]):
    """The default of a `TransactionId`: the transaction that writes the row."""

    inherit_cache = True
    type = TransactionId


@compiles(CurrentTransaction)
def _no_transaction(element: CurrentTransaction, compiler: Any, **options: Any) -> str:  # noqa: ARG001
    # SQLite has one writer at a time, so the order of the ids is the order of the commits.
    return "NULL"


@compiles(CurrentTransaction, "postgresql")
def _transaction(element: CurrentTransaction, compiler: Any, **options: Any) -> str:  # noqa: ARG001
    return "(pg_current_xact_id()::text::bigint)"


class Instant(TypeDecorator[datetime]):
    """An aware instant, to the microsecond: timestamptz on PostgreSQL; on SQLite a UTC text that sorts by time."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """timestamptz where the database has it."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time, and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time cannot be stored: {value!r}")
        return value.astimezone(UTC) if dialect.name == "postgresql" else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """An aware UTC time."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class BarTime(TypeDecorator[datetime]):
    """The time of a bar, to the second: timestamptz on PostgreSQL; epoch seconds on SQLite, for size and speed."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """timestamptz, or an integer."""
        kind: TypeEngine[Any] = DateTime(timezone=True) if dialect.name == "postgresql" else BigInteger()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a naive time; whole seconds."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time cannot be stored: {value!r}")
        return value.astimezone(UTC) if dialect.name == "postgresql" else int(value.timestamp())

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """An aware UTC time."""
        if value is None:
            return None
        return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
