"""Times of bars as numbers: thousands of them as Python's datetimes would cost more than reading them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, cast, extract, type_coerce


def epoch(connection: Connection, column: Column[object] | ColumnElement[object]) -> ColumnElement[int]:
    """A column of `BarTime` as epoch seconds, UTC."""
    if connection.dialect.name == "postgresql":
        return cast(extract("epoch", column), BigInteger)
    return type_coerce(column, BigInteger)
