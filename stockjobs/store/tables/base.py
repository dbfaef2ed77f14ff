"""What the tables share: names of constraints, and two kinds of them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, MetaData, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def one_of(column: str, *words: str) -> CheckConstraint:
    """A column that holds one of some words."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def partial(name: str, *columns: object, where: str, unique: bool = False) -> Index:
    """An index over the rows of which a condition holds."""
    return Index(name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where))  # type: ignore[arg-type]
