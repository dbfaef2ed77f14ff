"""The tables of the market data: who trades, and what was paid."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from stockjobs.store.tables.base import metadata, one_of, partial
from stockjobs.store.types import BarTime, Document, Instant

instruments = Table(
    "instruments",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("uid", Uuid, nullable=False, unique=True),
    Column("exchange", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("unit", Double, nullable=False, comment="0.01 where prices are in hundredths of the currency"),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("first_trade_at", Instant),
    Column("created_at", Instant, nullable=False),
)

symbols = Table(
    "symbols",
    metadata,
    Column("provider", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant),
    Column("instrument_id", Integer, ForeignKey("instruments.id"), nullable=False),
    PrimaryKeyConstraint("provider", "symbol", "valid_from"),
    partial("uq_symbols_current", "provider", "symbol", where="valid_to IS NULL", unique=True),
    Index("ix_symbols_instrument_id", "instrument_id"),
)

landings = Table(
    "landings",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("attempt_id", Uuid, comment="null where a person released or imported data"),
    Column("by", Text, nullable=False, comment="the job, or the person"),
    Index("ix_landings_at", "at"),
    sqlite_autoincrement=True,
)


def _bar_columns() -> list[Column[Any]]:
    # No foreign keys here: each would cost a look at another table for each row, and instruments are never removed.
    return [
        Column("instrument_id", Integer, nullable=False),
        Column("interval_s", Integer, nullable=False, comment="nominal seconds: 60 to 2,592,000 (a month)"),
        Column("at", BarTime, nullable=False, comment="the open of the bar, UTC"),
        Column("open", Double, nullable=False),
        Column("high", Double, nullable=False),
        Column("low", Double, nullable=False),
        Column("close", Double, nullable=False),
        Column("volume", BigInteger, comment="null where the source gave none"),
        Column(
            "split_factor",
            Double,
            nullable=False,
            server_default=text("1"),
            comment="shares of now per share of then, by the splits that are in the prices: close x split_factor was paid",
        ),
        Column(
            "landing_id",
            Integer,
            nullable=False,
            server_default=text("0"),
            comment="of `landings`: who wrote it, when; 0 for before there were any",
        ),
        Column(
            "revision",
            SmallInteger,
            nullable=False,
            server_default=text("0"),
            comment="how often the source changed it after it was settled",
        ),
        Column("provisional", Boolean, nullable=False, comment="the source may still change it"),
    ]


bars = Table(
    "bars",
    metadata,
    *_bar_columns(),
    PrimaryKeyConstraint("instrument_id", "interval_s", "at"),
    sqlite_with_rowid=False,
)

bar_versions = Table(
    "bar_versions",
    metadata,
    *_bar_columns(),
    Column("replaced_by", Integer, nullable=False, comment="of `landings`: since when it is no longer so"),
    PrimaryKeyConstraint("instrument_id", "interval_s", "at", "replaced_by"),
    sqlite_with_rowid=False,
)

corporate_actions = Table(
    "corporate_actions",
    metadata,
    Column("instrument_id", Integer, ForeignKey("instruments.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BarTime, nullable=False, comment="the open of the ex-day, UTC"),
    Column("value", Double, nullable=False, comment="new shares per old share, or the amount per share"),
    Column(
        "split_factor",
        Double,
        nullable=False,
        server_default=text("1"),
        comment="shares of now per share of then, by the splits that are in an amount: value x split_factor was paid",
    ),
    Column("seen_at", Instant, nullable=False),
    Column("landing_id", Integer, nullable=False, server_default=text("0"), comment="of `landings`: who wrote it"),
    Column("replaced_by", Integer, comment="of `landings`: since when it is no longer so; null for what is so now"),
    PrimaryKeyConstraint("instrument_id", "kind", "at", "landing_id"),
    partial("uq_corporate_actions_current", "instrument_id", "kind", "at", where="replaced_by IS NULL", unique=True),
    one_of("kind", "split", "dividend", "capital_gain"),
)

facts = Table(
    "facts",
    metadata,
    Column("instrument_id", Integer, ForeignKey("instruments.id"), nullable=False),
    Column("metric", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("value", Double, nullable=False),
    Column("currency", Text, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    PrimaryKeyConstraint("instrument_id", "metric", "period", "as_of", "value", "currency"),
    one_of("period", "annual", "quarterly", "trailing"),
)

profiles = Table(
    "profiles",
    metadata,
    Column("instrument_id", Integer, ForeignKey("instruments.id"), primary_key=True),
    Column("fields", Document, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("instrument_id", Integer, ForeignKey("instruments.id"), nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("newest_at", BarTime, nullable=False, comment="the newest bar that was stored as good"),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("instrument_id", "interval_s"),
)

fundamentals = Table(
    "fundamentals",
    metadata,
    Column("instrument_id", Integer, ForeignKey("instruments.id"), primary_key=True),
    Column("asked_at", Instant, nullable=False, comment="when the source last answered"),
    Column("changed_at", Instant, comment="since when the answers have been alike"),
    Column("newest_as_of", Date, comment="the last day of the newest period that was reported"),
)
