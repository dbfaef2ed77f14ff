"""The ledger and the market data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stockjobs.store.types import BarTime, BigKey, CurrentTransaction, Document, Instant, TransactionId

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Bars as people want to read them in SQL: by symbol, with the interval's name and readable times.
_INTERVALS = (
    "CASE interval_s "
    + " ".join(
        f"WHEN {seconds} THEN '{name}'"
        for seconds, name in (
            (60, "1m"),
            (120, "2m"),
            (300, "5m"),
            (900, "15m"),
            (1800, "30m"),
            (3600, "1h"),
            (5400, "90m"),
            (86400, "1d"),
            (604800, "1wk"),
            (2592000, "1mo"),
        )
    )
    + " END"
)
_SELECT = """
CREATE VIEW symbol_bars AS
SELECT symbols.symbol, {interval} AS interval, {at} AS at, open, high, low, close, volume, provisional,
       instruments.currency, instruments.unit, instruments.exchange, symbols.provider
FROM bars
JOIN instruments ON instruments.id = bars.instrument_id
JOIN symbols ON symbols.instrument_id = bars.instrument_id AND symbols.valid_to IS NULL
"""
_VIEW = {
    "postgresql": _SELECT.format(interval=_INTERVALS, at="bars.at"),
    "sqlite": _SELECT.format(interval=_INTERVALS, at="datetime(bars.at, 'unixepoch')"),
}


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", BigKey, sa.Identity(always=False), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("occurrence_id", sa.Uuid(), nullable=True),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("data", Document, nullable=False),
        sa.Column(
            "xid",
            TransactionId,
            server_default=CurrentTransaction(),
            nullable=True,
            comment="PostgreSQL: the writing transaction",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_xid_id", "events", ["xid", "id"], unique=False)
    op.create_index("ix_events_occurrence_id_id", "events", ["occurrence_id", "id"], unique=False)

    op.create_table(
        "instruments",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("uid", sa.Uuid(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("unit", sa.Double(), nullable=False, comment="0.01 where prices are in hundredths of the currency"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_trade_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_instruments"),
        sa.UniqueConstraint("uid", name="uq_instruments_uid"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="the version that the next occurrence will run"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column(
            "next_due_at",
            Instant(),
            nullable=True,
            comment="the earliest due time not yet turned into an occurrence; null if there is none",
        ),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("deleted_at", Instant(), nullable=True, comment="a deleted job keeps its history"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("name", name="uq_jobs_name"),
    )
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["next_due_at"],
        unique=False,
        postgresql_where=sa.text("enabled AND deleted_at IS NULL AND next_due_at IS NOT NULL"),
        sqlite_where=sa.text("enabled AND deleted_at IS NULL AND next_due_at IS NOT NULL"),
    )

    op.create_table(
        "sessions",
        sa.Column("exchange", sa.Text(), nullable=False, comment="MIC"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("open", BarTime(), nullable=False),
        sa.Column("close", BarTime(), nullable=False),
        sa.Column("break_start", BarTime(), nullable=True),
        sa.Column("break_end", BarTime(), nullable=True),
        sa.Column("is_half_day", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("exchange", "day", name="pk_sessions"),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False, comment="the Celery node name"),
        sa.Column("lanes", Document, nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", "pid", name="pk_workers"),
    )
    op.create_table(
        "bars",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False, comment="nominal seconds: 60 to 2,592,000 (a month)"),
        sa.Column("at", BarTime(), nullable=False, comment="the open of the bar, UTC"),
        sa.Column("open", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("close", sa.Double(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=True, comment="null where the source gave none"),
        sa.Column("provisional", sa.Boolean(), nullable=False, comment="the source may still change it"),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name="fk_bars_instrument_id"),
        sa.PrimaryKeyConstraint("instrument_id", "interval_s", "at", name="pk_bars"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "corporate_actions",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", BarTime(), nullable=False, comment="the open of the ex-day, UTC"),
        sa.Column("value", sa.Double(), nullable=False, comment="new shares per old share, or the amount per share"),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.CheckConstraint("kind IN ('split', 'dividend', 'capital_gain')", name="ck_corporate_actions_kind"),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name="fk_corporate_actions_instrument_id"),
        sa.PrimaryKeyConstraint("instrument_id", "kind", "at", name="pk_corporate_actions"),
    )
    op.create_table(
        "facts",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("first_seen", Instant(), nullable=False),
        sa.Column("last_seen", Instant(), nullable=False),
        sa.CheckConstraint("period IN ('annual', 'quarterly', 'trailing')", name="ck_facts_period"),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name="fk_facts_instrument_id"),
        sa.PrimaryKeyConstraint("instrument_id", "metric", "period", "as_of", "value", "currency", name="pk_facts"),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("instrument_id", sa.Integer(), nullable=True),
        sa.Column("interval_s", sa.Integer(), nullable=True),
        sa.Column("at", BarTime(), nullable=True, comment="the bar that it is about"),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", Document, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("resolved_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name="fk_findings_instrument_id"),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
    )
    op.create_index("ix_findings_kind_created_at", "findings", ["kind", "created_at"], unique=False)

    op.create_table(
        "job_versions",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("spec", Document, nullable=False),
        sa.Column("labels", Document, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the definition"),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_versions_job_id"),
        sa.PrimaryKeyConstraint("job_id", "version", name="pk_job_versions"),
    )
    op.create_table(
        "positions",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("newest_at", BarTime(), nullable=False, comment="the newest bar that was stored as good"),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name="fk_positions_instrument_id"),
        sa.PrimaryKeyConstraint("instrument_id", "interval_s", name="pk_positions"),
    )
    op.create_table(
        "profiles",
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.Column("fields", Document, nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name="fk_profiles_instrument_id"),
        sa.PrimaryKeyConstraint("instrument_id", name="pk_profiles"),
    )
    op.create_table(
        "symbols",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("valid_to", Instant(), nullable=True),
        sa.Column("instrument_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name="fk_symbols_instrument_id"),
        sa.PrimaryKeyConstraint("provider", "symbol", "valid_from", name="pk_symbols"),
    )
    op.create_index("ix_symbols_instrument_id", "symbols", ["instrument_id"], unique=False)
    op.create_index(
        "uq_symbols_current",
        "symbols",
        ["provider", "symbol"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
        sqlite_where=sa.text("valid_to IS NULL"),
    )

    op.create_table(
        "occurrences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="at/<due time> or request/<request key>"),
        sa.Column("scheduled_for", Instant(), nullable=False, comment="the due time, or when it was asked for"),
        sa.Column("requested_window", Document, nullable=True, comment="a window asked for in place of the job's own"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it was skipped or cancelled"),
        sa.Column("submitter", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'completed', 'failed', 'cancelled', 'timeout', 'skipped')",
            name="ck_occurrences_state",
        ),
        sa.ForeignKeyConstraint(
            ["job_id", "version"], ["job_versions.job_id", "job_versions.version"], name="fk_occurrences_job_id_version"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_occurrences"),
        sa.UniqueConstraint("job_id", "key", name="uq_occurrences_job_id_key"),
    )
    op.create_index("ix_occurrences_created_at", "occurrences", ["created_at"], unique=False)
    op.create_index("ix_occurrences_job_id_created_at", "occurrences", ["job_id", "created_at"], unique=False)
    op.create_index(
        "ix_occurrences_open",
        "occurrences",
        ["job_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
        sqlite_where=sa.text("state IN ('queued', 'running')"),
    )

    op.create_table(
        "tasks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("occurrence_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "interval_s",
            sa.Integer(),
            nullable=True,
            comment="nominal seconds of the bars asked for; null for fundamentals",
        ),
        sa.Column("symbols", Document, nullable=False),
        sa.Column(
            "remaining", Document, nullable=True, comment="the symbols still to do, where an attempt landed some"
        ),
        sa.Column(
            "given_up", Document, nullable=True, comment="symbol → error, for those that no other attempt asks for"
        ),
        sa.Column("window_start", Instant(), nullable=True),
        sa.Column("window_end", Instant(), nullable=True),
        sa.Column(
            "about", Instant(), nullable=False, comment="the instant that the task is about; its UTC day gives the lane"
        ),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run_at", Instant(), nullable=False, comment="not offered before"),
        sa.Column("number", sa.Integer(), nullable=False, comment="the number of the present or next attempt"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="attempts that failed at the provider"),
        sa.Column(
            "deferrals",
            sa.Integer(),
            nullable=False,
            comment="attempts that waited for a limit or a server; they count for nothing",
        ),
        sa.Column("crashes", sa.Integer(), nullable=False, comment="attempts whose worker died"),
        sa.Column(
            "offered_at",
            Instant(),
            nullable=True,
            comment="when a message about it was sent; null while it waits in SQL alone",
        ),
        sa.Column("offered_lane", sa.Text(), nullable=True, comment="the queue that the message went to"),
        sa.Column(
            "lease_until", Instant(), nullable=True, comment="the present attempt's worker owns the task until then"
        ),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("error_kind", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.CheckConstraint("offered_at IS NULL OR state = 'queued'", name="ck_tasks_offered_is_queued"),
        sa.CheckConstraint("(offered_at IS NULL) = (offered_lane IS NULL)", name="ck_tasks_offered_has_lane"),
        sa.CheckConstraint("priority IN (1, 5, 10, 15)", name="ck_tasks_priority"),
        sa.CheckConstraint("interval_s > 0", name="ck_tasks_interval"),
        sa.CheckConstraint(
            "state <> 'running' OR (lease_until IS NOT NULL AND worker IS NOT NULL)", name="ck_tasks_running_is_owned"
        ),
        sa.CheckConstraint(
            "state IN ('scheduled', 'queued', 'running', 'completed', 'failed', 'cancelled', 'timeout')",
            name="ck_tasks_state",
        ),
        sa.ForeignKeyConstraint(["occurrence_id"], ["occurrences.id"], name="fk_tasks_occurrence_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("occurrence_id", "key", name="uq_tasks_occurrence_id_key"),
    )
    op.create_index("ix_tasks_created_at_key", "tasks", ["created_at", "key"], unique=False)
    op.create_index(
        "ix_tasks_leased",
        "tasks",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
        sqlite_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ix_tasks_offered",
        "tasks",
        ["offered_lane", "offered_at"],
        unique=False,
        postgresql_where=sa.text("state = 'queued' AND offered_at IS NOT NULL"),
        sqlite_where=sa.text("state = 'queued' AND offered_at IS NOT NULL"),
    )
    op.create_index(
        "ix_tasks_open",
        "tasks",
        ["occurrence_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('scheduled', 'queued', 'running')"),
        sqlite_where=sa.text("state IN ('scheduled', 'queued', 'running')"),
    )
    op.create_index(
        "ix_tasks_pending",
        "tasks",
        ["priority", "about", "created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'queued' AND offered_at IS NULL"),
        sqlite_where=sa.text("state = 'queued' AND offered_at IS NULL"),
    )
    op.create_index(
        "ix_tasks_waiting",
        "tasks",
        ["run_at"],
        unique=False,
        postgresql_where=sa.text("state = 'scheduled'"),
        sqlite_where=sa.text("state = 'scheduled'"),
    )

    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False, comment="the Celery task id"),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=True, comment="requests made to the provider"),
        sa.Column("rows_received", sa.Integer(), nullable=True),
        sa.Column("rows_written", sa.Integer(), nullable=True, comment="rows that were new or differed"),
        sa.Column("rows_rejected", sa.Integer(), nullable=True),
        sa.Column("failed_symbols", Document, nullable=True, comment="symbol → error, where only some failed"),
        sa.Column("error_kind", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'completed', 'failed', 'cancelled', 'timeout', 'retried', 'deferred', 'lost')",
            name="ck_attempts_state",
        ),
        sa.CheckConstraint("lane IN ('realtime', 'historical')", name="ck_attempts_lane"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_attempts_task_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.UniqueConstraint("task_id", "number", name="uq_attempts_task_id_number"),
    )
    op.execute(_VIEW[op.get_bind().dialect.name])


def downgrade() -> None:
    op.execute("DROP VIEW symbol_bars")
    op.drop_table("attempts")
    op.drop_index("ix_tasks_created_at_key", "tasks")
    op.drop_index("ix_tasks_waiting", "tasks")
    op.drop_index("ix_tasks_pending", "tasks")
    op.drop_index("ix_tasks_open", "tasks")
    op.drop_index("ix_tasks_offered", "tasks")
    op.drop_index("ix_tasks_leased", "tasks")

    op.drop_table("tasks")
    op.drop_index("ix_occurrences_open", "occurrences")
    op.drop_index("ix_occurrences_job_id_created_at", "occurrences")
    op.drop_index("ix_occurrences_created_at", "occurrences")

    op.drop_table("occurrences")
    op.drop_index("uq_symbols_current", "symbols")
    op.drop_index("ix_symbols_instrument_id", "symbols")

    op.drop_table("symbols")
    op.drop_table("profiles")
    op.drop_table("positions")
    op.drop_table("job_versions")
    op.drop_index("ix_findings_kind_created_at", "findings")

    op.drop_table("findings")
    op.drop_table("facts")
    op.drop_table("corporate_actions")
    op.drop_table("bars")
    op.drop_table("workers")
    op.drop_table("sessions")
    op.drop_index("ix_jobs_due", "jobs")

    op.drop_table("jobs")
    op.drop_table("instruments")
    op.drop_index("ix_events_occurrence_id_id", "events")
    op.drop_index("ix_events_xid_id", "events")

    op.drop_table("events")
