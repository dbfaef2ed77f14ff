"""The tables about the market data: when there should be any, what is wrong with it, what is missing."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from stockjobs.domain.market.findings import FindingState
from stockjobs.store.tables.base import metadata, one_of, partial
from stockjobs.store.types import BarTime, Document, Instant

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

calendars = Table(
    "calendars",
    metadata,
    Column("exchange", Text, primary_key=True, comment="MIC, 24/7 or 24/5"),
    Column("first_day", Date, nullable=False, comment="from here on its sessions are in `sessions`"),
    Column("last_day", Date, nullable=False, comment="up to here, included"),
    Column("source", Text, nullable=False, comment="the calendar's library and its version"),
    Column("computed_at", Instant, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("rule", Text, comment="the rule that a bar breaks"),
    Column("symbol", Text, nullable=False),
    Column("instrument_id", Integer, ForeignKey("instruments.id")),
    Column("interval_s", Integer),
    Column("at", BarTime, comment="the bar that it is about, or the first of them"),
    Column("job_id", Uuid),
    Column("attempt_id", Uuid),
    Column("reason", Text, nullable=False),
    Column("evidence", Document, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("decided_at", Instant, comment="when it was released, rejected or mended"),
    Column("decided_by", Text),
    Index("ix_findings_created_at", "created_at"),
    Index("ix_findings_kind_created_at", "kind", "created_at"),
    Index("ix_findings_symbol_created_at", "symbol", "created_at"),
    Index("ix_findings_instrument_id_interval_s_at", "instrument_id", "interval_s", "at"),
    partial("ix_findings_open", "instrument_id", "interval_s", "at", where="state = 'open'"),
    one_of("state", *FindingState),
)

quarantined_bars = Table(
    "quarantined_bars",
    metadata,
    Column("finding_id", Uuid, ForeignKey("findings.id"), nullable=False),
    Column("instrument_id", Integer, ForeignKey("instruments.id"), nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("at", BarTime, nullable=False),
    # As they came, impossible as they may be; null is no number.
    Column("open", Double),
    Column("high", Double),
    Column("low", Double),
    Column("close", Double),
    Column("volume", BigInteger),
    Column("provisional", Boolean, nullable=False),
    Column("good_at", Instant, comment="of an answer set aside whole: when a good bar has come in its place"),
    PrimaryKeyConstraint("finding_id", "at"),
    Index("ix_quarantined_bars_instrument_id_interval_s_at", "instrument_id", "interval_s", "at"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("instrument_id", Integer, ForeignKey("instruments.id"), nullable=False),
    Column("interval_s", Integer, nullable=False),
    Column("day", Date, nullable=False, comment="the session"),
    Column("missing", Integer, nullable=False, comment="so many bars of that session are not there"),
    Column("cause", Text, nullable=False),
    Column("asked_at", Instant, nullable=False, comment="when the source last gave nothing for it"),
    Column("asked", Integer, nullable=False, comment="how often it did"),
    Column("first_seen", Instant, nullable=False),
    PrimaryKeyConstraint("instrument_id", "interval_s", "day"),
    one_of("cause", "source-null", "source-absent", "set-aside"),
)

symbol_health = Table(
    "symbol_health",
    metadata,
    Column("provider", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("unknown_days", Integer, nullable=False, comment="on so many days the provider did not know it, in a row"),
    Column("first_unknown_on", Date, comment="UTC"),
    Column("last_unknown_on", Date, comment="UTC"),
    Column("reason", Text, nullable=False),
    Column("successor", Text, comment="the symbol under which it trades now"),
    Column("changed_at", Instant, nullable=False),
    PrimaryKeyConstraint("provider", "symbol"),
    one_of("state", "active", "suspect", "dead", "renamed"),
)

freshness = Table(
    "freshness",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id"), primary_key=True),
    Column("is_stale", Boolean, nullable=False),
    Column("newest_at", BarTime, comment="the newest bar of the symbol that is furthest behind"),
    Column("checked_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False, comment="when it became stale, or fresh again"),
)
