"""The tables of the market data."""

from __future__ import annotations

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
    Table,
    Text,
    Uuid,
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

bars = Table(
    "bars",
    metadata,
    Column("instrument_id", Integer, ForeignKey("instruments.id"), nullable=False),
    Column("interval_s", Integer, nullable=False, comment="nominal seconds: 60 to 2,592,000 (a month)"),
    Column("at", BarTime, nullable=False, comment="the open of the bar, UTC"),
    Column("open", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("close", Double, nullable=False),
    Column("volume", BigInteger, comment="null where the source gave none"),
    Column("provisional", Boolean, nullable=False, comment="the source may still change it"),
    PrimaryKeyConstraint("instrument_id", "interval_s", "at"),
    sqlite_with_rowid=False,
)

corporate_actions = Table(
    "corporate_actions",
    metadata,
    Column("instrument_id", Integer, ForeignKey("instruments.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BarTime, nullable=False, comment="the open of the ex-day, UTC"),
    Column("value", Double, nullable=False, comment="new shares per old share, or the amount per share"),
    Column("seen_at", Instant, nullable=False),
    PrimaryKeyConstraint("instrument_id", "kind", "at"),
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

sessions = Table(
    "sessions",
    metadata,
    Column("exchange", Text, nullable=False, comment="MIC"),
    Column("day", Date, nullable=False),
    Column("open", BarTime, nullable=False),
    Column("close", BarTime, nullable=False),
    Column("break_start", BarTime),
    Column("break_end", BarTime),
    Column("is_half_day", Boolean, nullable=False),
    PrimaryKeyConstraint("exchange", "day"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("instrument_id", Integer, ForeignKey("instruments.id")),
    Column("interval_s", Integer),
    Column("at", BarTime, comment="the bar that it is about"),
    Column("attempt_id", Uuid),
    Column("reason", Text, nullable=False),
    Column("evidence", Document, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Index("ix_findings_kind_created_at", "kind", "created_at"),
)
